namespace MixKVQ.AgentConnector.Conversations;

/// <summary>How long a prompt may be before its oldest turns are left out, and how long it may be then. Immutable.</summary>
internal sealed class ContextWindow
{
    /// <param name="contextLength">The most tokens of prompt and answer together.</param>
    /// <param name="maxOutputTokens">The answer's output limit; null where it has none.</param>
    public ContextWindow(int contextLength, int? maxOutputTokens)
    {
        // A limit that frameworks set without thinking must not empty the prompt.
        int reserve = Math.Min(maxOutputTokens ?? contextLength / 4, contextLength / 2);
        Limit = contextLength - Math.Max(1, reserve);
        Target = (int)(Limit * 3L / 4);
    }

    /// <summary>The most tokens of a prompt that stays as it is.</summary>
    public int Limit { get; }

    /// <summary>
    /// The most tokens of a prompt once turns are left out, where that can be: so far below the limit that the next turns add to it and
    /// find it in the cache.
    /// </summary>
    public int Target { get; }
}
