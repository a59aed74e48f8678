namespace MixKVQ.AgentConnector.Constraints;

/// <summary>Exactly this added token.</summary>
internal sealed record TokenGrammar(int Id) : Grammar;
