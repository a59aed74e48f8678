namespace MixKVQ.AgentConnector.Constraints;

/// <summary>One of the branches.</summary>
internal sealed record ChoiceGrammar(IReadOnlyList<Grammar> Branches) : Grammar;
