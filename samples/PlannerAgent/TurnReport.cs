using System.Globalization;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector;

namespace PlannerAgent;

/// <summary>The figures of one turn, added up over its requests to the model. Not thread-safe.</summary>
internal sealed class TurnReport
{
    private int _requestCount;
    private long _inputTokens;
    private long _cachedTokens;
    private long _prefilledTokens;
    private long _generatedTokens;
    private double _decodeSeconds;
    private long _cacheBytes;
    private long _fullPrecisionBytes;
    private double _bitsPerElement;

    /// <summary>Takes the figures of a request's end, of which the cache's replace those of the request before.</summary>
    /// <param name="metadata">A streamed message's metadata; without usage it is no request's end.</param>
    public void Add(IReadOnlyDictionary<string, object?>? metadata)
    {
        if (metadata?.GetValueOrDefault("Usage") is not UsageDetails usage)
        {
            return;
        }

        _requestCount++;
        _inputTokens += usage.InputTokenCount ?? 0;
        _cachedTokens += usage.CachedInputTokenCount ?? 0;
        _prefilledTokens += usage.AdditionalCounts?.GetValueOrDefault(MixKvqMetadata.PrefilledTokens) ?? 0;
        _generatedTokens += usage.OutputTokenCount ?? 0;
        double tokensPerSecond = Number(MixKvqMetadata.TokensPerSecond);
        _decodeSeconds += tokensPerSecond > 0 ? (usage.OutputTokenCount ?? 0) / tokensPerSecond : 0;
        _cacheBytes = (long)Number(MixKvqMetadata.CacheBytes);
        _fullPrecisionBytes = (long)Number(MixKvqMetadata.CacheFullPrecisionBytes);
        _bitsPerElement = Number(MixKvqMetadata.CacheBitsPerElement);

        double Number(string name) => Convert.ToDouble(metadata.GetValueOrDefault(name) ?? 0, CultureInfo.InvariantCulture);
    }

    /// <summary>The report's line.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{_requestCount} request{(_requestCount == 1 ? "" : "s")}: {_inputTokens:N0} tokens in, {_cachedTokens:N0} from the cache, {_prefilledTokens:N0} prefilled, {_generatedTokens:N0} generated, {TokensPerSecond:N0} tokens/s; cache {_cacheBytes:N0} bytes, {_bitsPerElement:F2} bits an element, {_fullPrecisionBytes:N0} bytes in full precision");

    private double TokensPerSecond => _decodeSeconds > 0 ? _generatedTokens / _decodeSeconds : 0;
}
