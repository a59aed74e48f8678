namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>A piece of an answer: text, or a call.</summary>
/// <param name="Text">The text; empty for a call.</param>
/// <param name="Call">The call; null for text.</param>
internal readonly record struct AnswerPart(string Text, ToolCall? Call);
