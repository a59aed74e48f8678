namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>A nondeterministic automaton; its set 0 holds every scalar value.</summary>
internal sealed record PositionGraph(IReadOnlyList<Position> Positions, IReadOnlyList<CodePointSet> Sets, int Start);
