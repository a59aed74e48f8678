namespace MixKVQ.AgentConnector;

/// <summary>What happens when a dialogue no longer fits the context.</summary>
public enum ContextOverflowPolicy
{
    /// <summary>The request fails.</summary>
    Error,

    /// <summary>
    /// The oldest exchanges after the instructions, each from a user's message to before the next one, are left out of the prompt. Room is
    /// kept for the answer: its output limit, at most half the context, or a quarter of the context where it has none. A quarter of what
    /// remains is freed with it, so that several turns follow before more is left out, and read only their new tokens. The instructions and
    /// the newest exchange always stay; where they alone do not fit, the request fails.
    /// </summary>
    DropOldest,
}
