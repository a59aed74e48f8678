namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Exactly one added token.</summary>
internal sealed class TokenRule(int id) : Rule
{
    /// <inheritdoc/>
    public override void Enter(FrameStack? rest, Closure closure) => closure.Add(new TokenFrame(id), rest);

    /// <inheritdoc/>
    protected override (int Shortest, int Height) Measure() => (1, 0);
}
