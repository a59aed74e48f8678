using System.Diagnostics;
using System.Globalization;
using MixKVQ.AgentConnector.GpuCheck.Attention;
using MixKVQ.AgentConnector.GpuCheck.DecodeStep;
using MixKVQ.AgentConnector.GpuCheck.EndToEnd;
using MixKVQ.AgentConnector.GpuCheck.Loading;
using MixKVQ.AgentConnector.GpuCheck.Parity;
using MixKVQ.AgentConnector.GpuCheck.Prefill;
using MixKVQ.AgentConnector.GpuCheck.Sealing;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using TorchSharp;

namespace MixKVQ.AgentConnector.GpuCheck;

/// <summary>Runs the stages, one after the other. A stage that fails does not keep the others from running.</summary>
internal static class CheckProgram
{
    private const int Done = 0;
    private const int Failed = 1;
    private const int CannotStart = 2;
    private const int BarMissed = 3;

    /// <summary>All stages, in the order in which they run.</summary>
    public static IReadOnlyList<CheckStage> Stages { get; } =
    [
        new("load", "the libraries, the machine, the compiled kernels", LoadStage.Run),
        new("parity", "every kernel against plain code on the CPU, in shares of the largest element", ParityStage.Run),
        new("end-to-end", "the embedded model on the CPU and on the GPU", EndToEndStage.RunAsync),
        new("attention", "attention of one new token in one layer", AttentionStage.Run),
        new("sealing", "a page of 128 tokens of a large model", SealingStage.Run),
        new("prefill", "attention of 128 new tokens in one layer", PrefillStage.Run),
        new("decode-step", "a step of a large model, 32k tokens of context", DecodeStepStage.Run),
    ];

    /// <summary>Runs what the command line asks for.</summary>
    /// <returns>The exit code: 0, 1 where something is wrong, 2 where nothing could be run, 3 where all is right but a bar was missed.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        CheckOptions options;
        try
        {
            options = CheckOptions.Read(arguments, [.. Stages.Select(stage => stage.Name)]);
            TorchLibrary.EnsureLoaded(options.TorchLibraryPath);
            using var device = CudaDevice.Open(options.DeviceIndex);
            return await RunAsync(options, device);
        }
        catch (Exception fault) when (fault is ArgumentException or DllNotFoundException or CudaException)
        {
            await Console.Error.WriteLineAsync(fault.Message);
            return CannotStart;
        }
    }

    private static async Task<int> RunAsync(CheckOptions options, CudaDevice device)
    {
        await using var file = new StreamWriter(options.ReportPath, append: true);
        var report = new CheckReport(Console.Out, file);
        var machine = new CheckMachine(new torch.Device(DeviceType.CUDA, options.DeviceIndex), device, device.MemoryInfo.Free, options, report);
        long start = Stopwatch.GetTimestamp();
        foreach (CheckStage stage in Stages.Where(stage => options.Stages.Count == 0 || options.Stages.Contains(stage.Name)))
        {
            await RunAsync(stage, machine);
        }

        return Conclude(report, Stopwatch.GetElapsedTime(start));
    }

    private static async Task RunAsync(CheckStage stage, CheckMachine machine)
    {
        machine.Report.Line($"\n## {stage.Name}: {stage.About}\n");
        long start = Stopwatch.GetTimestamp();
        try
        {
            using var noGradients = torch.no_grad();
            await stage.RunAsync(machine);
        }
        catch (Exception fault)
        {
            // Whatever went wrong, the other stages have something to tell.
            machine.Report.Fail($"{stage.Name}: {fault}");
        }

        machine.Report.Line($"\n{stage.Name} took {Seconds(Stopwatch.GetElapsedTime(start))} s.");
    }

    private static int Conclude(CheckReport report, TimeSpan elapsed)
    {
        report.Line($"\n{report.Failures.Count} failures, {report.Missed.Count} bars missed, {Seconds(elapsed)} s.");
        foreach (string failure in report.Failures)
        {
            report.Line($"- failed: {failure}");
        }

        foreach (string missed in report.Missed)
        {
            report.Line($"- missed: {missed}");
        }

        return report.Failures.Count > 0 ? Failed : report.Missed.Count > 0 ? BarMissed : Done;
    }

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture);
}
