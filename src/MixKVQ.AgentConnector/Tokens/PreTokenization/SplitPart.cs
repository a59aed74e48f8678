namespace MixKVQ.AgentConnector.Tokens.PreTokenization;

/// <summary>A range of UTF-16 units that a split pattern matches, or that lies between two matches.</summary>
internal readonly record struct SplitPart(int Start, int Length, bool IsMatch);
