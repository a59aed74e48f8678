namespace MixKVQ.AgentConnector.Tokens;

/// <summary>
/// A stretch of a prompt: one added token (with the white space it takes), or the ordinary text between two of them.
/// <paramref name="Text"/> is the text the ids stand for, with all guard marks removed.
/// </summary>
internal readonly record struct PromptSegment(string Text, int[] TokenIds, bool IsAdded);
