using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Tests.Native;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;
using TorchSharp;

namespace MixKVQ.AgentConnector.Tests.Models.Cuda;

/// <summary>Decode steps on a device that end in the middle.</summary>
public sealed class AbandonedStepTests
{
    // In the sinks, in a page, and about to seal one.
    private static readonly int[] Lengths = [20, 170, 287];

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(12)]
    public void AStepThatIsTakenAgain_GetsTheSameLogits(int failingLaunch)
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        using var tiny = new TinyModel("""{ "head_dim": 16 }""");
        var exhausted = new ExhaustedDevice();
        using var expected = new DecodeHost(tiny.Folder, torch.ScalarType.Float32, new EmulatedDevice(), KvCachePolicy.Uniform4);
        using var actual = new DecodeHost(tiny.Folder, torch.ScalarType.Float32, exhausted, KvCachePolicy.Uniform4);
        int[][] prompts = [.. Lengths.Select(length => tiny.Tokens(length, seed: length))];
        expected.Fill(prompts);
        actual.Fill(prompts);
        exhausted.LaunchesLeft = failingLaunch;
        Assert.Throws<TorchFailure>(() => actual.Step([1, 2, 3]));
        for (int i = 0; i < prompts.Length; i++)
        {
            KvCache cache = actual.Caches[i];
            int kept = cache.AbandonStep(prompts[i].Length);
            Assert.Equal(CacheGeometry.PageBorder(prompts[i].Length), kept);
            actual.Model.Forward(new ForwardStep(prompts[i].AsMemory(kept), cache)).Dispose();
        }

        for (int step = 0; step < 2; step++)
        {
            float[][] logits = expected.Step([1, 2, 3]), again = actual.Step([1, 2, 3]);
            Assert.All(logits.SelectMany(row => row).Zip(again.SelectMany(row => row)), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
        }

        Assert.Equal(expected.Caches.Select(cache => cache.Usage), actual.Caches.Select(cache => cache.Usage));
    }
}
