using System.Numerics.Tensors;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Generation;

/// <summary>What one generation reads and how far it goes.</summary>
/// <param name="Sequence">Lent to the engine, which appends to it; stays the caller's to dispose.</param>
/// <param name="PrefillTokens">The prompt's ids after those the sequence holds; at least one.</param>
/// <param name="ContextTokens">The ids the sequence already holds, all of them; the repetition penalty counts them.</param>
/// <param name="Sampling">How tokens are chosen.</param>
/// <param name="MaxOutputTokens">The most tokens generated; at least one.</param>
/// <param name="EndTokens">Ids that end the generation; the one that does is its last token.</param>
/// <param name="MaxContextTokens">The most tokens in the sequence and the output together.</param>
internal sealed record GenerationRequest(
    IModelSequence Sequence,
    ReadOnlyMemory<int> PrefillTokens,
    ReadOnlyMemory<int> ContextTokens,
    SamplingOptions Sampling,
    int MaxOutputTokens,
    IReadOnlyCollection<int> EndTokens,
    int MaxContextTokens)
{
    /// <summary>Bars tokens; null bars none. Used by this generation alone.</summary>
    public ITokenGuide? Guide { get; init; }

    /// <summary>Asked for room when memory is exhausted, before the step that failed is tried once more; null: it is not.</summary>
    public IMemoryRelief? Relief { get; init; }

    /// <summary>The length of the whole prompt, read and to be read.</summary>
    public int PromptTokenCount => Sequence.TokenCount + PrefillTokens.Length;

    /// <exception cref="ArgumentException">The request is not consistent, or its prompt leaves no room in the context.</exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxOutputTokens, 1);
        if (PrefillTokens.IsEmpty)
        {
            throw new ArgumentException(
                "There is no token to prefill, and so no logits to begin from. Truncate the cache below the prompt's end and prefill the rest.", nameof(PrefillTokens));
        }

        if (ContextTokens.Length != Sequence.TokenCount)
        {
            throw new ArgumentException(
                $"ContextTokens has {ContextTokens.Length} ids, but the sequence holds {Sequence.TokenCount} tokens. Pass the ids of exactly those.", nameof(ContextTokens));
        }

        if (PromptTokenCount >= MaxContextTokens)
        {
            throw new ArgumentException(
                $"The prompt of {PromptTokenCount} tokens leaves no room for output in a context of {MaxContextTokens} tokens. Shorten the messages or raise the context length.",
                nameof(MaxContextTokens));
        }

        CheckIds(PrefillTokens.Span, nameof(PrefillTokens));
        CheckIds(ContextTokens.Span, nameof(ContextTokens));
    }

    private void CheckIds(ReadOnlySpan<int> ids, string name)
    {
        if (ids.IsEmpty)
        {
            return;
        }

        int wrong = TensorPrimitives.Min(ids) is < 0 and int lowest ? lowest : TensorPrimitives.Max(ids);
        if (wrong < 0 || wrong >= Sequence.VocabularySize)
        {
            throw new ArgumentException($"Token id {wrong} is outside the model's vocabulary of {Sequence.VocabularySize}.", name);
        }
    }
}
