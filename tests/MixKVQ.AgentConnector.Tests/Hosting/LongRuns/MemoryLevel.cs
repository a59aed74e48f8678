using System.Globalization;
using TorchSharp;

namespace MixKVQ.AgentConnector.Tests.Hosting.LongRuns;

/// <summary>What the process holds.</summary>
/// <param name="Tensors">Torch tensors that were made and not disposed, of all threads.</param>
/// <param name="ManagedBytes">Bytes of managed objects that are in use.</param>
/// <param name="ResidentBytes">Bytes of memory that the process has, native memory included.</param>
internal sealed record MemoryLevel(long Tensors, long ManagedBytes, long ResidentBytes)
{
    /// <summary>The level after everything that is of no use was collected. Linux only.</summary>
    public static MemoryLevel Now()
    {
        for (int i = 0; i < 2; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        long managed = GC.GetTotalMemory(forceFullCollection: true);
        string pages = File.ReadAllText("/proc/self/statm").Split(' ')[1];
        return new MemoryLevel(torch.Tensor.TotalCount, managed, long.Parse(pages, CultureInfo.InvariantCulture) * Environment.SystemPageSize);
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Tensors} tensors, {ManagedBytes / 1048576.0:F1} MiB managed, {ResidentBytes / 1048576.0:F1} MiB resident");
}
