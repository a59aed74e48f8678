namespace MixKVQ.AgentConnector.Constraints;

/// <summary>Items with a separator between them; <paramref name="Max"/> null is without bound.</summary>
internal sealed record RepeatGrammar(Grammar Item, Grammar? Separator, int Min, int? Max) : Grammar;
