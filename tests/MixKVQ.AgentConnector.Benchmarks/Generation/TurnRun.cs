using System.Diagnostics;
using System.Globalization;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Tests.Hosting.LongRuns;
using MixKVQ.AgentConnector.Tests.Models;

namespace MixKVQ.AgentConnector.Benchmarks.Generation;

/// <summary>Takes many short turns and prints what the process holds before, meanwhile and after: <c>turns COUNT</c>. Linux only.</summary>
internal static class TurnRun
{
    private const int Reports = 10;

    public static async Task RunAsync(int turns)
    {
        TorchLibrary.EnsureLoaded();
        using TinyModel model = TinyModel.OfChats();
        await TakeAsync(model, turns / Reports, reports: 0);
        Console.WriteLine($"after a warm-up of {turns / Reports} turns: {MemoryLevel.Now()}");
        await TakeAsync(model, turns, Reports);
        Console.WriteLine($"client disposed: {MemoryLevel.Now()}");
    }

    private static async Task TakeAsync(TinyModel model, int turns, int reports)
    {
        long start = Stopwatch.GetTimestamp();
        var mill = new TurnMill(model, seed: turns);
        await using (mill)
        {
            for (int i = 0; i < Math.Max(1, reports); i++)
            {
                await mill.RunAsync(turns / Math.Max(1, reports), CancellationToken.None);
                if (reports > 0)
                {
                    int onDisk = await mill.CountOnDiskAsync();
                    Console.WriteLine(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{mill.Answered} answered, {mill.Failed} given up or refused, {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s: {MemoryLevel.Now()}, {mill.Caches.Pool.LivePageCount} pages, {mill.Caches.HeldBytes / 1048576.0:F2} MiB of caches, {onDisk} conversations on disk only, {Directory.GetFileSystemEntries("/proc/self/fd").Length} file descriptors"));
                }
            }
        }

        mill.Caches.Pool.CheckIntegrity();
        Console.WriteLine($"client disposed: {mill.Caches.Pool.LivePageCount} pages and {mill.Caches.HeldBytes} bytes of caches are held");
    }
}
