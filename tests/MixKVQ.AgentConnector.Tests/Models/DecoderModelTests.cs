using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models;

public sealed class DecoderModelTests
{
    [Fact]
    public void Load_DescribesTheCacheThatTheModelNeeds()
    {
        using var tiny = new TinyModel("{}");
        using DecoderModel model = DecoderModel.Load(tiny.Folder, CPU, ScalarType.BFloat16);

        CacheGeometry geometry = model.CacheGeometry;

        Assert.Equal((2, 4, 2, 8, ScalarType.BFloat16), (geometry.LayerCount, geometry.QueryHeadCount, geometry.KeyValueHeadCount, geometry.HeadDim, geometry.DType));
        (_, float[] output) = tiny.Weights["model.layers.1.self_attn.o_proj.weight"];
        // Head 1 of layer 1 serves query heads 2 and 3: columns 16 to 31.
        float expected = output.Chunk(32).Sum(row => row[16..].Sum(value => value * value));
        Assert.Equal(expected, geometry.OutputWeights![3], expected * 0.01f);
    }

    [Fact]
    public void Load_FreezesWeightsAndReportsProgress()
    {
        using var tiny = new TinyModel("{}");
        var progress = new LastReport();
        DecoderModel.Load(tiny.Folder, CPU, null, progress: progress).Dispose();
        Assert.Equal(tiny.Weights.Values.Sum(weight => weight.Values.Length * 4L), progress.Value);
    }

    [Fact]
    public void Load_RefusesOtherTypes()
    {
        using var tiny = new TinyModel("{}");
        Assert.Throws<ArgumentException>(() => DecoderModel.Load(tiny.Folder, CPU, ScalarType.Float16));
    }

    [Fact]
    public void Load_RefusesWeightsOf8BitsOnOtherDevices()
    {
        using var tiny = new TinyModel("{}");
        Assert.Throws<ArgumentException>(() => DecoderModel.Load(tiny.Folder, META, null, precision: WeightPrecision.EightBit));
    }

    [Fact]
    public void Load_ListsTensorsThatDoNotFitTheConfig()
    {
        using var tiny = new TinyModel("{}");
        File.WriteAllText(Path.Combine(tiny.Folder, "config.json"), tiny.Config.ToJsonString().Replace("\"intermediate_size\":40", "\"intermediate_size\":44", StringComparison.Ordinal).Replace("llama", "qwen3", StringComparison.Ordinal));

        var error = Assert.Throws<InvalidDataException>(() => DecoderModel.Load(tiny.Folder, CPU, null));

        Assert.Contains("model.layers.1.self_attn.q_norm.weight [8]", error.Message, StringComparison.Ordinal);
        Assert.Contains("model.layers.0.mlp.up_proj.weight is [40, 32], expected [44, 32]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_IgnoresATiedOutputProjectionAndRotaryBuffers()
    {
        using var tiny = new TinyModel("""{ "tie_word_embeddings": true }""");
        using (var scope = NewDisposeScope())
        {
            IEnumerable<(string, Tensor)> weights = tiny.Weights.Select(weight => (weight.Key, tensor(weight.Value.Values, weight.Value.Shape)));
            SafetensorsWriter.Write(
                Path.Combine(tiny.Folder, "model.safetensors"),
                [.. weights, ("lm_head.weight", ones(48, 32)), ("model.layers.0.self_attn.rotary_emb.inv_freq", ones(4))]);
        }

        DecoderModel.Load(tiny.Folder, CPU, null).Dispose();
    }

    [Fact]
    public void Forward_ReturnsTheLastTokensLogitsUnlessAllAreAskedFor()
    {
        using var tiny = new TinyModel("{}");
        using DecoderModel model = DecoderModel.Load(tiny.Folder, CPU, null);
        using KvCacheFactory factory = DecoderRun.FullPrecision(model);
        using KvCache cache = factory.Create();
        int[] tokens = tiny.Tokens(20);

        using Tensor logits = model.Forward(new ForwardStep(tokens, cache));

        Assert.Equal(20, cache.TokenCount);
        Assert.Equal([1L, 48L], logits.shape);
        Assert.All(DecoderRun.Logits(model, tokens, 160)[^1].Zip(logits.data<float>().ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
    }

    [Fact]
    public void Forward_RefusesWhatDoesNotFitAndLeavesTheCacheAlone()
    {
        using var tiny = new TinyModel("{}");
        using DecoderModel model = DecoderModel.Load(tiny.Folder, CPU, null);
        using KvCacheFactory factory = DecoderRun.FullPrecision(model);
        using KvCache cache = factory.Create();
        Assert.Throws<ArgumentException>(() => model.Forward(new ForwardStep(Array.Empty<int>(), cache)));
        Assert.Throws<ArgumentException>(() => model.Forward(new ForwardStep(tiny.Tokens(161), cache)));
        Assert.Throws<ArgumentException>(() => model.Forward(new ForwardStep(new[] { 48 }, cache)));
        Assert.Throws<ArgumentException>(() => model.Forward(new ForwardStep(new[] { -1 }, cache)));
        Assert.Equal(0, cache.TokenCount);
    }

    [Fact]
    public void Forward_LeavesNoTensorsBehind()
    {
        using var tiny = new TinyModel("""{ "model_type": "qwen3" }""");
        using DecoderModel model = DecoderModel.Load(tiny.Folder, CPU, null);
        using KvCacheFactory factory = DecoderRun.FullPrecision(model);
        using KvCache cache = factory.Create();
        model.Forward(new ForwardStep(tiny.Tokens(10), cache)).Dispose();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        for (int i = 0; i < 30; i++)
        {
            model.Forward(new ForwardStep(tiny.Tokens(1), cache)).Dispose();
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private sealed class LastReport : IProgress<long>
    {
        public long Value { get; private set; }

        public void Report(long value) => Value = value;
    }
}
