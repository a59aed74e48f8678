namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>A place within a string.</summary>
/// <param name="Lexical">Where within a character (see <see cref="JsonLexer"/>); 0 between two.</param>
/// <param name="State">What the characters so far come to: their count, or the state of a pattern.</param>
internal readonly record struct StringPosition(int Lexical, int State);
