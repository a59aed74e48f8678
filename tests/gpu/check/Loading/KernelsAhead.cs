using System.Diagnostics;
using MixKVQ.AgentConnector.Attention.Cuda;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.GpuCheck.Parity;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.GpuCheck.Loading;

/// <summary>Compiles what many cases will ask for by all processors at once, to the disk, where the device then finds it. A GPU's time is dear, and one thread takes minutes.</summary>
internal static class KernelsAhead
{
    /// <summary>Compiles the kernels of attention and sealing; those that do not compile are left to say so where they are used.</summary>
    public static void Compile(CheckMachine machine, IReadOnlyList<AttentionCase> cases)
    {
        if (machine.Kernels is not CudaDevice device)
        {
            return;
        }

        IReadOnlyCollection<KernelProgram> programs = Programs(machine, cases);
        var compiler = new KernelCompiler((device.ComputeCapability.Major * 10) + device.ComputeCapability.Minor, KernelCache.OfUser());
        long start = Stopwatch.GetTimestamp();
        int failed = 0;
        Parallel.ForEach(programs, program =>
        {
            try
            {
                compiler.Compile(program);
            }
            catch (CudaException)
            {
                Interlocked.Increment(ref failed);
            }
        });
        machine.Report.Line($"{programs.Count} programs compiled in {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s by {Environment.ProcessorCount} processors; {failed} failed.");
    }

    /// <summary>The programs of attention and sealing that the cases ask for, each once.</summary>
    public static IReadOnlyCollection<KernelProgram> Programs(CheckMachine machine, IReadOnlyList<AttentionCase> cases)
    {
        var collector = new CollectingDevice(machine.Kernels);
        foreach (AttentionCase item in cases)
        {
            using var factory = new KvCacheFactory(item.Geometry with { Device = machine.Device }, item.Options, null, collector);
            Collect(() => new DecodeAttention(collector, factory.Layout).Dispose());
            Collect(() => new PrefillAttention(collector, factory.Layout, machine.Device).Dispose());
        }

        return collector.Programs;
    }

    private static void Collect(Action make)
    {
        try
        {
            make();
        }
        catch (NotSupportedException)
        {
            // Shapes that a kernel does not take; the comparison says so.
        }
    }
}
