using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;
using MixKVQ.AgentConnector.Tokens;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models.Cuda;

/// <summary>The embedded model with its default cache: prefill, decode, sealing, all of a device's path, over the emulator.</summary>
public sealed class EmbeddedModelOnDeviceTests(ITestOutputHelper output)
{
    private const int PromptTokens = 280, Steps = 12;

    /// <summary>
    /// Both paths read the CPU's tokens. Where the device would choose another, the CPU must hold the two for nearly alike: their logits differ less than
    /// <paramref name="tie"/>.
    /// </summary>
    [Theory]
    [InlineData(ScalarType.Float32, 0.1)]
    [InlineData(ScalarType.BFloat16, 0.5)]
    public void GreedyTokens_AreTheCpusButForTies(ScalarType dtype, double tie)
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        int[] prompt = ModelTokenizer.Load(Fixtures.EmbeddedModel).Encode(File.ReadAllText(Path.Combine(Fixtures.EmbeddedModel, "README.md")))[..PromptTokens];
        using var host = new DecodeHost(Fixtures.EmbeddedModel, dtype, null, KvCachePolicy.MixKvq);
        using var device = new DecodeHost(Fixtures.EmbeddedModel, dtype, new EmulatedDevice(), KvCachePolicy.MixKvq);
        host.Fill([prompt[..^1]]);
        device.Fill([prompt[..^1]]);
        int token = prompt[^1], equal = 0;
        for (int step = 0; step < Steps; step++)
        {
            float[] expected = host.Step([token])[0], actual = device.Step([token])[0];
            int chosen = IndexOfLargest(expected), other = IndexOfLargest(actual);
            output.WriteLine($"step {step}: {chosen} ({expected[chosen]:f3}), device {other} ({expected[other]:f3}); largest difference {expected.Zip(actual, (x, y) => Math.Abs(x - y)).Max():e2}");
            Assert.InRange(expected[chosen] - expected[other], 0, tie);
            equal += chosen == other ? 1 : 0;
            token = chosen;
        }

        Assert.InRange(equal, Steps - 2, Steps);
        Assert.Equal((2, PromptTokens - 1 + Steps), (device.Caches[0].Pages.Count, device.Caches[0].TokenCount));
    }

    private static int IndexOfLargest(float[] values) => Array.IndexOf(values, values.Max());
}
