namespace MixKVQ.AgentConnector.Chat;

/// <summary>
/// One entry of a dialogue as templates know it: a message of a single role, with one tool result at most.
/// Immutable.
/// </summary>
/// <param name="Role">Who speaks.</param>
/// <param name="Text">What is said; of a tool turn, the result.</param>
internal sealed record ChatTurn(TurnRole Role, string Text)
{
    /// <summary>The model's thought before it spoke; empty for none.</summary>
    public string Reasoning { get; init; } = "";

    /// <summary>The calls that an assistant turn makes.</summary>
    public IReadOnlyList<ToolCall> Calls { get; init; } = [];

    /// <summary>Of a tool turn: the call that this answers.</summary>
    public string? CallId { get; init; }

    /// <summary>
    /// Whether both say the same. Thoughts are left out of the comparison, since callers often drop them from the
    /// history they send back; so are call ids.
    /// </summary>
    public bool SaysTheSameAs(ChatTurn other) =>
        Role == other.Role
        && Text == other.Text
        && Calls.Count == other.Calls.Count
        && Calls.Zip(other.Calls).All(pair => pair.First.IsSameCall(pair.Second));
}
