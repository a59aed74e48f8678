namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>One of a set of fixed texts.</summary>
internal sealed class LiteralRule(IReadOnlyList<byte[]> literals) : Rule
{
    public LiteralTree Tree { get; } = new(literals);

    /// <inheritdoc/>
    public override void Enter(FrameStack? rest, Closure closure) => closure.Add(new LiteralFrame(Tree, 0), rest);

    /// <inheritdoc/>
    protected override (int Shortest, int Height) Measure() => (Tree.DistanceFrom(0), 0);
}
