using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Cache;

/// <summary>Feeds a cache random tokens that depend on their positions only, and tells what was fed.</summary>
internal sealed class CacheDriver : IDisposable
{
    /// <summary>[tokens, layers, heads, headDim], float32.</summary>
    public readonly Tensor Queries, Keys, Values;

    /// <summary>[tokens, layers, hidden], float32.</summary>
    public readonly Tensor Residuals;

    public CacheDriver(CacheGeometry geometry, int tokens, int seed = 1)
    {
        Geometry = geometry;
        using var generator = new Generator((ulong)seed);
        using var scope = NewDisposeScope();
        using Scalar spread = 0.7f;
        Queries = randn([tokens, geometry.LayerCount, geometry.QueryHeadCount, geometry.HeadDim], generator: generator);
        Tensor amplitudes = randn([geometry.LayerCount, geometry.KeyValueHeadCount, geometry.HeadDim], generator: generator).mul(spread).exp();
        Tensor offsets = randn([geometry.LayerCount, geometry.KeyValueHeadCount, geometry.HeadDim], generator: generator);
        Tensor noise = randn([tokens, geometry.LayerCount, geometry.KeyValueHeadCount, geometry.HeadDim], generator: generator);
        Keys = Rounded(noise.mul(amplitudes).add(offsets, Scalars.One), geometry);
        Tensor values = randn([tokens, geometry.LayerCount, geometry.KeyValueHeadCount, geometry.HeadDim], generator: generator);
        Values = Rounded(values, geometry);
        Residuals = randn([tokens, geometry.LayerCount, 24], generator: generator);
        foreach (Tensor kept in new[] { Queries, Keys, Values, Residuals })
        {
            kept.MoveToOuterDisposeScope();
        }
    }

    public CacheGeometry Geometry { get; }

    public static CacheGeometry SmallGeometry(int layers = 2, int queryHeads = 4, int keyValueHeads = 2, int headDim = 32, ScalarType dtype = ScalarType.Float32) =>
        new(layers, queryHeads, keyValueHeads, headDim, dtype, CPU, null);

    /// <summary>Appends the positions from the cache's count up to <paramref name="tokenCount"/>, in steps of at most <paramref name="stepTokens"/>.</summary>
    public void Feed(KvCache cache, int tokenCount, int stepTokens = int.MaxValue)
    {
        while (cache.TokenCount < tokenCount)
        {
            int count = Math.Min(stepTokens, Math.Min(cache.TokensToPageBorder, tokenCount - cache.TokenCount));
            Append(cache, count);
            cache.CompleteStep();
        }
    }

    /// <summary>Appends the positions from the cache's count up to <paramref name="tokenCount"/> one by one, without tensors.</summary>
    public void FeedFloats(KvCache cache, int tokenCount)
    {
        for (int position = cache.TokenCount; position < tokenCount; position++)
        {
            for (int layer = 0; layer < Geometry.LayerCount; layer++)
            {
                cache.Layer(layer).Append(Floats(Queries), Floats(Keys), Floats(Values), Floats(Residuals));

                ReadOnlySpan<float> Floats(Tensor all)
                {
                    using Tensor part = Part(all, position, 1, layer);
                    return part.contiguous().data<float>().ToArray();
                }
            }

            cache.CompleteStep();
        }
    }

    /// <summary>Appends the next positions without completing the step.</summary>
    public void Append(KvCache cache, int count)
    {
        for (int layer = 0; layer < Geometry.LayerCount; layer++)
        {
            using var scope = NewDisposeScope();
            cache.Layer(layer).Append(
                Part(Queries, cache.TokenCount, count, layer), Part(Keys, cache.TokenCount, count, layer).to(Geometry.DType),
                Part(Values, cache.TokenCount, count, layer).to(Geometry.DType), Part(Residuals, cache.TokenCount, count, layer));
        }
    }

    /// <summary>The queries of a layer at positions from <paramref name="position"/> on; the caller's.</summary>
    public Tensor LayerQueries(int layer, int position, int count)
    {
        using Tensor part = Part(Queries, position, count, layer);
        return part.to(Geometry.DType, copy: true);
    }

    public void Dispose()
    {
        Queries.Dispose();
        Keys.Dispose();
        Values.Dispose();
        Residuals.Dispose();
    }

    private static Tensor Rounded(Tensor exact, CacheGeometry geometry)
    {
        using Tensor rounded = exact.to(geometry.DType, copy: true);
        return rounded.to(ScalarType.Float32, copy: true);
    }

    private static Tensor Part(Tensor tokens, int position, int count, int layer)
    {
        using Tensor rows = tokens.narrow(0, position, count);
        return rows.select(1, layer);
    }
}
