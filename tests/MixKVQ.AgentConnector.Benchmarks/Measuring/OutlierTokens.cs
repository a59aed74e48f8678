using MixKVQ.AgentConnector.Cache;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.Measuring;

/// <summary>
/// Random tokens as attention sees them in trained models: keys have a mean in each channel, and a few channels of each head are 10 to 30 times the others.
/// A few pages of tokens take turns, so that long caches are filled quickly.
/// </summary>
internal sealed class OutlierTokens : IDisposable
{
    private const int Pages = 8;
    private const int OutlierChannels = 4;
    private readonly CacheGeometry _geometry;
    private readonly Tensor[] _queries;
    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;

    /// <param name="geometry">The shapes and the type.</param>
    public OutlierTokens(CacheGeometry geometry)
    {
        _geometry = geometry;
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        Tensor amplitudes = Amplitudes();
        Tensor means = randn([geometry.KeyValueHeadCount, geometry.HeadDim], generator: generator) * amplitudes;
        _queries = [.. Enumerable.Range(0, Pages).Select(_ => Normal(geometry.QueryHeadCount).to(geometry.DType).MoveToOuterDisposeScope())];
        _keys = [.. Enumerable.Range(0, Pages).Select(_ => ((Normal(geometry.KeyValueHeadCount) * amplitudes) + means).to(geometry.DType).MoveToOuterDisposeScope())];
        _values = [.. Enumerable.Range(0, Pages).Select(_ => Normal(geometry.KeyValueHeadCount).to(geometry.DType).MoveToOuterDisposeScope())];

        Tensor Normal(int heads) => randn([CacheGeometry.PageTokens, heads, geometry.HeadDim], generator: generator);
    }

    /// <summary>Appends tokens to every layer, and completes the steps, until the cache holds as many.</summary>
    /// <param name="cache">A cache of such heads.</param>
    /// <param name="tokens">Tokens to hold in the end.</param>
    /// <param name="layers">The cache's layers.</param>
    public void Fill(KvCache cache, int tokens, int layers)
    {
        while (cache.TokenCount < tokens)
        {
            Append(cache, Math.Min(CacheGeometry.PageTokens, Math.Min(cache.TokensToPageBorder, tokens - cache.TokenCount)), layers);
            cache.CompleteStep();
        }
    }

    /// <summary>Appends at most a page's tokens to every layer; the caller completes the step.</summary>
    /// <param name="cache">A cache of such heads.</param>
    /// <param name="tokens">How many.</param>
    /// <param name="layers">The cache's layers.</param>
    public void Append(KvCache cache, int tokens, int layers)
    {
        for (int layer = 0; layer < layers; layer++)
        {
            (Tensor queries, Tensor keys, Tensor values) = Page(layer + (cache.TokenCount / CacheGeometry.PageTokens), tokens);
            using (queries)
            using (keys)
            using (values)
            {
                cache.Layer(layer).Append(queries, keys, values, null);
            }
        }
    }

    /// <summary>The first tokens of a page: queries, keys and values, [tokens, heads, headDim] each, the caller's.</summary>
    /// <param name="index">Which page; they take turns.</param>
    /// <param name="tokens">How many, at most a page's.</param>
    public (Tensor Queries, Tensor Keys, Tensor Values) Page(int index, int tokens) =>
        (_queries[index % Pages].narrow(0, 0, tokens), _keys[index % Pages].narrow(0, 0, tokens), _values[index % Pages].narrow(0, 0, tokens));

    /// <summary>Queries of at most a page's tokens: [tokens, queryHeads, headDim], the caller's.</summary>
    public Tensor Queries(int tokens) => _queries[0].narrow(0, 0, tokens);

    /// <summary>The first tokens of the keys or the values in the order that libtorch's attention takes.</summary>
    /// <param name="ofKeys">Keys, not values.</param>
    /// <param name="tokens">How many; a multiple of a page's.</param>
    /// <param name="type">The type wanted.</param>
    /// <returns>[1, kvHeads, tokens, headDim], contiguous, the caller's.</returns>
    public Tensor InFull(bool ofKeys, int tokens, ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor pages = cat(ofKeys ? _keys : _values, 0).transpose(0, 1).unsqueeze(0).to(type);
        int repeats = (tokens + (int)pages.shape[2] - 1) / (int)pages.shape[2];
        return pages.repeat(1, 1, repeats, 1).narrow(2, 0, tokens).contiguous().MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (Tensor tensor in _queries.Concat(_keys).Concat(_values))
        {
            tensor.Dispose();
        }
    }

    private Tensor Amplitudes()
    {
        var random = new Random(1);
        float[,] amplitudes = new float[_geometry.KeyValueHeadCount, _geometry.HeadDim];
        for (int head = 0; head < _geometry.KeyValueHeadCount; head++)
        {
            for (int channel = 0; channel < _geometry.HeadDim; channel++)
            {
                amplitudes[head, channel] = 0.5f + random.NextSingle();
            }

            for (int i = 0; i < OutlierChannels; i++)
            {
                amplitudes[head, random.Next(_geometry.HeadDim)] *= 10 + (20 * random.NextSingle());
            }
        }

        return tensor(amplitudes);
    }
}
