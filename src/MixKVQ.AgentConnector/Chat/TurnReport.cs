using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>The figures of a turn.</summary>
/// <param name="PromptTokens">The whole prompt.</param>
/// <param name="CachedTokens">What of it was in the retained cache; the rest was prefilled.</param>
/// <param name="OutputTokens">The tokens generated, thoughts included, without the end token.</param>
/// <param name="ReasoningTokens">What of them was thought.</param>
/// <param name="TokensPerSecond">Decode steps a second; 0 where there was none.</param>
/// <param name="Cache">The bytes of the conversation's cache after the turn.</param>
internal sealed record TurnReport(int PromptTokens, int CachedTokens, int OutputTokens, int ReasoningTokens, double TokensPerSecond, CacheUsage Cache)
{
    /// <summary>How many of the dialogue's oldest messages the prompt left out.</summary>
    public int DroppedMessages { get; init; }

    /// <summary>The log-probabilities of the tokens; null where none were asked for.</summary>
    public IReadOnlyList<TokenLogProbability>? LogProbabilities { get; init; }

    /// <summary>What was read in this turn.</summary>
    public int PrefilledTokens => PromptTokens - CachedTokens;

    /// <summary>The usage as callers and telemetry know it.</summary>
    public UsageDetails ToUsage() => new()
    {
        InputTokenCount = PromptTokens,
        CachedInputTokenCount = CachedTokens,
        OutputTokenCount = OutputTokens,
        ReasoningTokenCount = ReasoningTokens,
        TotalTokenCount = PromptTokens + OutputTokens,
        AdditionalCounts = new AdditionalPropertiesDictionary<long>
        {
            [MixKvqMetadata.PrefilledTokens] = PrefilledTokens,
            [MixKvqMetadata.CacheBytes] = Cache.TotalBytes,
            [MixKvqMetadata.CacheFullPrecisionBytes] = Cache.FullPrecisionBytes,
        },
    };

    /// <summary>The figures that usage has no place for.</summary>
    public AdditionalPropertiesDictionary ToProperties()
    {
        var properties = new AdditionalPropertiesDictionary
        {
            [MixKvqMetadata.CacheBytes] = Cache.TotalBytes,
            [MixKvqMetadata.CacheFullPrecisionBytes] = Cache.FullPrecisionBytes,
            [MixKvqMetadata.CacheBitsPerElement] = Cache.BitsPerElement,
            [MixKvqMetadata.TokensPerSecond] = TokensPerSecond,
        };
        if (DroppedMessages > 0)
        {
            properties[MixKvqMetadata.DroppedMessages] = DroppedMessages;
        }

        if (LogProbabilities is not null)
        {
            properties[MixKvqMetadata.TokenLogProbabilities] = LogProbabilities;
        }

        return properties;
    }
}
