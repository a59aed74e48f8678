using MixKVQ.AgentConnector.Constraints;

namespace MixKVQ.AgentConnector.Chat.Guidance;

/// <summary>What a turn has to look like. Immutable; shared by turns of the same request.</summary>
internal sealed record TurnForm
{
    /// <summary>The most tokens of the thought; 0 for no thought, null for no limit.</summary>
    public int? ThoughtTokens { get; init; }

    /// <summary>The tag that opens a thought, where thoughts are barred; null where the model may think.</summary>
    public GuardedMarker? BarredThought { get; init; }

    /// <summary>A whole turn without a thought that the prompt opened: an answer in form, before it the tag that opens a thought; null where the answer is free.</summary>
    public TokenConstraint? Opening { get; init; }

    /// <summary>The tag that closes a thought, and after it the answer in form; null where the answer is free.</summary>
    public GuardedMarker? ThoughtEnd { get; init; }

    /// <summary>How calls begin in a free answer.</summary>
    public IReadOnlyList<GuardedMarker> Calls { get; init; } = [];

    /// <summary>Whether there is nothing to see to.</summary>
    public bool IsFree => ThoughtTokens is null && Opening is null && Calls.Count == 0;
}
