using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector;

/// <summary>The names under which <see cref="MixKvqChatClient"/> reads and reports what has no property of its own.</summary>
public static class MixKvqMetadata
{
    /// <summary>The provider's name in <see cref="ChatClientMetadata"/>.</summary>
    public const string ProviderName = "mixkvq";

    /// <summary>
    /// The name of the meter (System.Diagnostics.Metrics) whose instruments count what happens to caches: <c>mixkvq.cache.usage</c> (bytes, by place device or disk),
    /// <c>mixkvq.cache.bits_per_element</c>, <c>mixkvq.cache.prompt_tokens</c> (hit or not), <c>mixkvq.cache.hit_ratio</c>, <c>mixkvq.cache.evictions</c>,
    /// <c>mixkvq.cache.restores</c> and <c>mixkvq.cache.forks</c>.
    /// </summary>
    public const string MeterName = "MixKVQ.AgentConnector";

    /// <summary>
    /// In <see cref="UsageDetails.AdditionalCounts"/>: the prompt's tokens that were read in this turn; the others were
    /// in the retained cache.
    /// </summary>
    public const string PrefilledTokens = "prefilled_tokens";

    /// <summary>
    /// The bytes that the conversation's cache holds after the turn. In <see cref="UsageDetails.AdditionalCounts"/>,
    /// where a pipeline that adds up the usage of several turns adds it up too, and in the additional properties of
    /// the response, where it does not.
    /// </summary>
    public const string CacheBytes = "cache_bytes";

    /// <summary>The bytes that the same cache would take in 16 bit; reported like <see cref="CacheBytes"/>.</summary>
    public const string CacheFullPrecisionBytes = "cache_full_precision_bytes";

    /// <summary>In the additional properties of a response: all bytes of the cache, in bits for each element of K and V.</summary>
    public const string CacheBitsPerElement = "mixkvq.cache_bits_per_element";

    /// <summary>In the additional properties of a response: generated tokens a second, prefill left out.</summary>
    public const string TokensPerSecond = "mixkvq.tokens_per_second";

    /// <summary>In <see cref="ChatOptions.AdditionalProperties"/>: the least probability of a token, as a share of the likeliest one's.</summary>
    public const string MinP = "min_p";

    /// <summary>In <see cref="ChatOptions.AdditionalProperties"/>: divides positive and multiplies negative logits of tokens that occurred.</summary>
    public const string RepetitionPenalty = "repetition_penalty";

    /// <summary>
    /// In <see cref="ChatOptions.AdditionalProperties"/>: a map from token ids to what is added to their logits before a
    /// token is chosen, from -100 (in effect never) to 100 (in effect always). Any dictionary, JSON object or JSON text.
    /// </summary>
    public const string LogitBias = "logit_bias";

    /// <summary>
    /// In <see cref="ChatOptions.AdditionalProperties"/>: whether the response reports the log-probability of each token,
    /// as <see cref="TokenLogProbabilities"/>.
    /// </summary>
    public const string LogProbabilities = "logprobs";

    /// <summary>
    /// In <see cref="ChatOptions.AdditionalProperties"/>: how many of the most probable tokens are reported with each token,
    /// from 0 to 20. Needs <see cref="LogProbabilities"/>.
    /// </summary>
    public const string TopLogProbabilities = "top_logprobs";

    /// <summary>
    /// In the additional properties of a response, and of the last update of a stream, where <see cref="LogProbabilities"/> was asked for:
    /// a list of <see cref="TokenLogProbability"/>, one for each generated token but the end token. Thoughts, tool calls and stop
    /// sequences are among them; thoughts that are hidden are left out.
    /// </summary>
    public const string TokenLogProbabilities = "mixkvq.logprobs";

    /// <summary>
    /// In the additional properties of a response, where it is not 0: how many of the dialogue's oldest messages the prompt
    /// left out because of <see cref="ContextOverflowPolicy.DropOldest"/>.
    /// </summary>
    public const string DroppedMessages = "mixkvq.dropped_messages";

    /// <summary>In <see cref="ChatOptions.AdditionalProperties"/>: the switch of that name in the model's chat template.</summary>
    public const string EnableThinking = "enable_thinking";

    /// <summary>
    /// In <see cref="ChatOptions.AdditionalProperties"/>: the most tokens of a thought, which is closed when it comes
    /// near them; 0 for no thought. Without it <see cref="ReasoningOptions.Effort"/> decides: 1,024 for low, 4,096 for
    /// medium, 16,384 for high, and no limit for extra high or where there is none.
    /// </summary>
    public const string ThinkingBudget = "thinking_budget";

    /// <summary>
    /// In <see cref="ChatOptions.AdditionalProperties"/>: <see cref="MixKvqOptions.KeepThoughts"/> for this request. When false, the request's
    /// prompt leaves earlier thoughts out, and its answer is read again without its own while nothing else is to do. Thoughts that were left
    /// out do not come back when a later request says true.
    /// </summary>
    public const string KeepThoughts = "keep_thoughts";
}
