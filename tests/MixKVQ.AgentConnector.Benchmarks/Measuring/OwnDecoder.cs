using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;

namespace MixKVQ.AgentConnector.Benchmarks.Measuring;

/// <summary>This library's model with one conversation.</summary>
/// <param name="model">The model; borrowed.</param>
/// <param name="options">How the cache is quantized.</param>
internal sealed class OwnDecoder(DecoderModel model, KvCacheOptions options) : ITokenDecoder
{
    private readonly KvCacheFactory _factory = new(model.CacheGeometry, options, model.Team);
    private readonly float[] _logits = new float[model.Config.VocabularySize];
    private readonly Exception?[] _failures = new Exception?[1];
    private readonly DecodeInput[] _inputs = new DecodeInput[1];
    private KvCache? _prompt;
    private KvCache? _cache;

    /// <inheritdoc/>
    public void Read(ReadOnlySpan<int> tokens)
    {
        _prompt = _factory.Create();
        int[] ids = tokens.ToArray();
        while (_prompt.TokenCount < ids.Length)
        {
            int count = Math.Min(_prompt.TokensToPageBorder, ids.Length - _prompt.TokenCount);
            model.Forward(new ForwardStep(ids.AsMemory(_prompt.TokenCount, count), _prompt)).Dispose();
        }

        Rewind();
    }

    /// <summary>Goes on from a cache that is filled without the model, in place of <see cref="Read"/>.</summary>
    public void Fill(Action<KvCache> fill)
    {
        _prompt = _factory.Create();
        fill(_prompt);
        Rewind();
    }

    /// <inheritdoc/>
    public ReadOnlySpan<float> Decode(int token)
    {
        _inputs[0] = new DecodeInput(token, _cache!, _logits);
        model.Decode(_inputs, _failures);
        return _failures[0] is { } failure ? throw new InvalidOperationException($"Token {token} failed.", failure) : _logits;
    }

    /// <inheritdoc/>
    public void Rewind()
    {
        _cache?.Dispose();
        _cache = _prompt!.Fork();
    }

    public void Dispose()
    {
        _cache?.Dispose();
        _prompt?.Dispose();
        _factory.Dispose();
    }
}
