namespace MixKVQ.AgentConnector.Tokens;

/// <summary>A range of UTF-16 units of a text: an added token's occurrence, or ordinary text when <paramref name="Token"/> is null.</summary>
internal readonly record struct TextPiece(int Start, int Length, AddedToken? Token);
