using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models;

/// <summary>Runs a model over tokens with a full-precision cache.</summary>
internal static class DecoderRun
{
    public static KvCacheFactory FullPrecision(DecoderModel model) =>
        new(model.CacheGeometry, new KvCacheOptions { Policy = KvCachePolicy.FullPrecision });

    /// <summary>Logits of all tokens, in steps of at most <paramref name="chunk"/> tokens that end at page borders.</summary>
    public static float[][] Logits(DecoderModel model, int[] tokens, int chunk)
    {
        using KvCacheFactory factory = FullPrecision(model);
        using KvCache cache = factory.Create();
        var rows = new List<float[]>();
        while (cache.TokenCount < tokens.Length)
        {
            int count = Math.Min(Math.Min(chunk, cache.TokensToPageBorder), tokens.Length - cache.TokenCount);
            using Tensor logits = model.Forward(new ForwardStep(tokens.AsMemory(cache.TokenCount, count), cache, AllLogits: true));
            Assert.Equal([count, model.Config.VocabularySize], logits.shape);
            Assert.Equal(ScalarType.Float32, logits.dtype);
            rows.AddRange(logits.data<float>().ToArray().Chunk(model.Config.VocabularySize));
        }

        return [.. rows];
    }

    /// <summary>The largest and the mean absolute difference.</summary>
    public static (double Max, double Mean) Difference(IEnumerable<IEnumerable<double>> expected, float[][] actual)
    {
        double[] differences = [.. expected.SelectMany(row => row).Zip(actual.SelectMany(row => row), (x, y) => Math.Abs(x - y))];
        return (differences.Max(), differences.Average());
    }
}
