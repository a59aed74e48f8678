namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>A state of the nondeterministic automaton: which set it reads (an index) and where it leads; <paramref name="Other"/> is a split's second way.</summary>
internal readonly record struct Position(PositionKind Kind, int Set, int Next, int Other);
