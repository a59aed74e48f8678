using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Attention.Cuda;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.GpuCheck.DecodeStep;
using MixKVQ.AgentConnector.GpuCheck.Measuring;
using MixKVQ.AgentConnector.Models.Cuda;
using MixKVQ.AgentConnector.Native.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Loading;

/// <summary>Whether everything loads, and what it runs on.</summary>
internal static class LoadStage
{
    /// <summary>Runs the stage.</summary>
    public static void Run(CheckMachine machine)
    {
        CheckReport report = machine.Report;
        report.Line($"- {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} processors, .NET {Environment.Version}");
        report.Line($"- libtorch from {machine.Options.TorchLibraryPath ?? "the program's folder"}");
        if (machine.Kernels is CudaDevice device)
        {
            _ = Nvrtc.GetVersion(out int major, out int minor);
            report.Line($"- {device.Name}, compute capability {device.ComputeCapability}, {device.MultiprocessorCount} multiprocessors, NVRTC {major}.{minor}");
            report.Line($"- memory: {machine.FreeAtStart / 1e9:F1} GB free at the start of {device.MemoryInfo.Total / 1e9:F1} GB");
        }

        report.Line($"- memory: {CopySpeed.BytesAMillisecond(machine) / 1e6:F0} GB/s read and written by a copy from device to device");
        Compile(machine);
    }

    private static void Compile(CheckMachine machine)
    {
        RecordingDevice recorder = new(machine.Kernels);
        LoadAll(machine, recorder);
        string folder = Path.Combine(Path.GetTempPath(), $"mixkvq-kernels-{Guid.NewGuid():N}");
        machine.Report.Table("program", "compiled, ms", "from the disk, ms", "kernel", "registers", "bytes of a thread in slow memory");
        foreach (RecordedProgram recorded in recorder.Programs)
        {
            (string cold, string warm) = machine.Kernels is CudaDevice device ? (Time(device, recorded.Program, folder), Time(device, recorded.Program, folder)) : ("–", "–");
            foreach ((string name, IKernel kernel) in recorded.Kernels)
            {
                var compiled = kernel as CudaKernel;
                machine.Report.Row(recorded.Program.File, cold, warm, name, $"{compiled?.Registers}", $"{compiled?.LocalBytes}");
                (cold, warm) = ("", "");
            }
        }

        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // All that a large model's decoding, prefill and sealing ask for; some kernels are compiled when they are first used.
    private static void LoadAll(CheckMachine machine, RecordingDevice recorder)
    {
        var config = LargeModel.Config;
        CacheGeometry geometry = LargeModel.HeadsOf(config).Geometry(1, machine.Device);
        Try("small operations", () => _ = new CudaPointwise(recorder, config, geometry.DType));
        Try("decode attention", () =>
        {
            using var factory = new KvCacheFactory(geometry, new KvCacheOptions(), null, recorder);
            using var attention = new DecodeAttention(recorder, factory.Layout);
        });
        Try("prefill attention and sealing", () => FillPage(geometry, recorder));
        machine.Synchronize();

        void Try(string what, Action load)
        {
            try
            {
                load();
            }
            catch (Exception fault)
            {
                // The others are to be seen, too.
                machine.Report.Fail($"{what}: {fault.Message}");
            }
        }
    }

    private static void FillPage(CacheGeometry geometry, RecordingDevice recorder)
    {
        using var scope = NewDisposeScope();
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions(), null, recorder);
        using KvCache cache = factory.Create();
        int tokens = cache.TokensToPageBorder;
        Tensor queries = zeros([tokens, geometry.QueryHeadCount, geometry.HeadDim], geometry.DType, geometry.Device);
        Tensor keys = zeros([tokens, geometry.KeyValueHeadCount, geometry.HeadDim], geometry.DType, geometry.Device);
        cache.Layer(0).Append(queries, keys, keys, null);
        _ = new CudaAttention(recorder).Attend(queries, cache.Layer(0).View, 1);
        cache.CompleteStep();
    }

    private static string Time(CudaDevice device, KernelProgram program, string folder)
    {
        var compiler = new KernelCompiler((device.ComputeCapability.Major * 10) + device.ComputeCapability.Minor, new KernelCache(folder));
        long start = Stopwatch.GetTimestamp();
        compiler.Compile(program);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds.ToString("F0", CultureInfo.InvariantCulture);
    }
}
