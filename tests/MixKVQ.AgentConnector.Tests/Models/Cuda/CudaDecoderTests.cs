using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native.Cuda;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models.Cuda;

/// <summary>Decode steps on the emulated device against those on the CPU.</summary>
public sealed class CudaDecoderTests(ITestOutputHelper output)
{
    private const int Vocabulary = 48;

    // Empty, at the end of the sinks, in a page, and about to seal one.
    private static readonly int[] Lengths = [0, 30, 32, 158, 200, 286];

    [Theory]
    [InlineData("""{ "head_dim": 16 }""", ScalarType.Float32, 1e-3)]
    [InlineData("""{ "model_type": "qwen3", "head_dim": 16, "tie_word_embeddings": true }""", ScalarType.Float32, 1e-3)]
    [InlineData("""{ "head_dim": 64, "attention_bias": true, "mlp_bias": true, "hidden_size": 36, "intermediate_size": 42 }""", ScalarType.Float32, 1e-3)]
    [InlineData("""{ "model_type": "qwen3", "head_dim": 128 }""", ScalarType.BFloat16, 0.05)]
    public void ABatchOfRaggedConversations_GetsTheCpusLogits(string changes, ScalarType dtype, double allowed)
    {
        using var tiny = new TinyModel(changes);
        using var host = new DecodeHost(tiny.Folder, dtype, null, KvCachePolicy.FullPrecision);
        using var device = new DecodeHost(tiny.Folder, dtype, Emulated(), KvCachePolicy.FullPrecision);
        int[][] prompts = [.. Lengths.Select(length => tiny.Tokens(length, seed: length + 1))];
        host.Fill(prompts);
        device.Fill(prompts);
        for (int step = 0; step < 4; step++)
        {
            int[] tokens = [.. Lengths.Select((_, i) => ((7 * i) + step) % Vocabulary)];
            float[][] expected = host.Step(tokens), actual = device.Step(tokens);
            double deviation = Math.Sqrt(expected.SelectMany(row => row).Average(value => value * (double)value));
            (double max, double mean) = DecoderRun.Difference(expected.Select(row => row.Select(value => (double)value)), actual);
            output.WriteLine($"step {step}: max {max:e2}, mean {mean:e2}; root mean square logit {deviation:f2}");
            Assert.InRange(mean, 0, allowed * deviation);
        }

        Assert.Equal(host.Caches.Select(cache => cache.TokenCount), device.Caches.Select(cache => cache.TokenCount));
        Assert.Equal([0, 0, 0, 1, 1, 2], device.Caches.Select(cache => cache.Pages.Count));
    }

    [Fact]
    public void AStep_UploadsATableAndDownloadsLogitsOnce()
    {
        using var tiny = new TinyModel("""{ "head_dim": 16 }""");
        Emulated();
        var recording = new RecordingDevice();
        using var device = new DecodeHost(tiny.Folder, ScalarType.BFloat16, recording, KvCachePolicy.Uniform4);
        device.Fill([tiny.Tokens(170), tiny.Tokens(20), tiny.Tokens(300)]);
        const int Table = 3 * (56 + 4), Pages = 3 * 8, Logits = -3 * Vocabulary * 2;
        Assert.Equal([Pages, Table, Logits], Transfers());
        Assert.Equal([Table, Logits], Transfers());
        recording.Transfers.Clear();
        Assert.All(device.Run([.. device.Caches.Select(cache => new DecodeInput(1, cache, default))]), Assert.Null);
        Assert.Equal([Table], recording.Transfers);

        List<int> Transfers()
        {
            recording.Transfers.Clear();
            device.Step([1, 2, 3]);
            return recording.Transfers;
        }
    }

    [Fact]
    public void AStepThatSealsNoPage_LeavesNoTensorBehind()
    {
        using var tiny = new TinyModel("""{ "model_type": "qwen2", "head_dim": 16 }""");
        using var device = new DecodeHost(tiny.Folder, ScalarType.BFloat16, Emulated(), KvCachePolicy.Uniform4);
        device.Fill([tiny.Tokens(170), tiny.Tokens(20)]);
        device.Step([1, 2]);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int step = 0; step < 3; step++)
        {
            device.Step([1, 2]);
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void AFailure_IsItsConversationsAlone()
    {
        using var tiny = new TinyModel("""{ "head_dim": 16 }""");
        using var device = new DecodeHost(tiny.Folder, ScalarType.Float32, Emulated(), KvCachePolicy.Uniform4);
        int[] prompt = tiny.Tokens(159);
        device.Fill([prompt, prompt, tiny.Tokens(32)]);
        Poison(device.Model, device.Caches[2]);
        KvCache disposed = device.Factory.Create();
        disposed.Dispose();
        float[] logits = new float[Vocabulary], some = new float[10];

        Exception?[] failures = device.Run([new(1, disposed, default), new(2, device.Caches[0], logits), new(3, device.Caches[2], default)]);

        Assert.IsType<ObjectDisposedException>(failures[0]);
        Assert.Null(failures[1]);
        Assert.IsType<ArithmeticException>(failures[2]);
        Assert.All(device.Run([new(2, device.Caches[1], some)]), Assert.Null);
        Assert.All(some.Zip(logits), pair => Assert.Equal(pair.Second, pair.First, 1e-5f));
        Assert.Equal((160, 160), (device.Caches[0].TokenCount, device.Caches[1].TokenCount));
    }

    private static EmulatedDevice Emulated()
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        return new EmulatedDevice();
    }

    // A page that is full but for one token, with a NaN in it: sealing it fails.
    private static void Poison(DecoderModel model, KvCache cache)
    {
        CacheGeometry geometry = model.CacheGeometry;
        using var scope = NewDisposeScope();
        for (int layer = 0; layer < geometry.LayerCount; layer++)
        {
            Tensor keys = ones(127, geometry.KeyValueHeadCount, geometry.HeadDim);
            keys[5, 0, 3] = float.NaN;
            cache.Layer(layer).Append(ones(127, geometry.QueryHeadCount, geometry.HeadDim), keys, ones(127, geometry.KeyValueHeadCount, geometry.HeadDim), null);
        }

        cache.CompleteStep();
    }
}
