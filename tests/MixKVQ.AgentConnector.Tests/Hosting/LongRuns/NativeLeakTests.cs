using MixKVQ.AgentConnector.Tests.Models;
using TorchSharp;

namespace MixKVQ.AgentConnector.Tests.Hosting.LongRuns;

/// <summary>Many turns leave nothing behind. Not beside other tests: tensors and memory are the process's.</summary>
[Collection(nameof(RunsAlone))]
public sealed class NativeLeakTests : IDisposable
{
    private const int WarmUpTurns = 150;

    private const int Turns = 1000;

    /// <summary>What the allocators of the runtime, of libtorch and of the C library may take meanwhile.</summary>
    private const long MostGrowth = 24 << 20;

    /// <summary>Storage, keys and values of two layers, of sinks and tail.</summary>
    private const int TensorsOfACache = 2 * (1 + 2 * 2);

    private readonly TinyModel _model = TinyModel.OfChats();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task ManyTurns_LeaveNothingBehind()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Resident memory is read on Linux.");
        await RunAsync(WarmUpTurns);
        MemoryLevel before = MemoryLevel.Now();
        await RunAsync(Turns);
        MemoryLevel after = MemoryLevel.Now();

        TestContext.Current.TestOutputHelper?.WriteLine($"before: {before}; after: {after}");
        Assert.Equal(before.Tensors, after.Tensors);
        Assert.InRange(after.ResidentBytes - before.ResidentBytes, long.MinValue, MostGrowth);
    }

    private async Task RunAsync(int turns)
    {
        var mill = new TurnMill(_model, seed: turns);
        await using (mill)
        {
            long loaded = torch.Tensor.TotalCount;
            await mill.RunAsync(turns, Cancellation);

            // The first turn makes the table of rotations.
            Assert.InRange(torch.Tensor.TotalCount - loaded, TensorsOfACache, TurnMill.Retained * TensorsOfACache + 1);
            Assert.True(mill.Answered > turns / 2 && mill.Failed > turns / 10, $"{mill.Answered} turns were answered and {mill.Failed} failed.");
            mill.Caches.Pool.CheckIntegrity();
        }

        mill.Caches.Pool.CheckIntegrity();
        Assert.Equal((0, 0), (mill.Caches.Pool.LivePageCount, mill.Caches.HeldBytes));
    }
}
