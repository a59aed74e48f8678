namespace MixKVQ.AgentConnector.Conversations;

/// <summary>A stretch of a <see cref="TokenLog"/>: one added token, or the ordinary text between two of them.</summary>
/// <param name="Text">The text, without guards.</param>
/// <param name="IsAdded">Whether it is an added token.</param>
/// <param name="End">The index after its last token.</param>
internal readonly record struct LoggedText(string Text, bool IsAdded, int End)
{
    /// <summary>Whether both are the same text of the same kind, in whatever tokens.</summary>
    public bool SaysTheSameAs(LoggedText other) => IsAdded == other.IsAdded && Text == other.Text;
}
