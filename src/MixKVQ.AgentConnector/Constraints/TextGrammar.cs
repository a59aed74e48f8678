namespace MixKVQ.AgentConnector.Constraints;

/// <summary>Exactly these bytes.</summary>
internal sealed record TextGrammar(byte[] Bytes) : Grammar;
