namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Exactly these bytes.</summary>
internal sealed class TextRule(byte[] bytes) : Rule
{
    public byte[] Bytes => bytes;

    /// <inheritdoc/>
    public override void Enter(FrameStack? rest, Closure closure)
    {
        if (bytes.Length == 0)
        {
            closure.Add(rest);
        }
        else
        {
            closure.Add(new TextFrame(this, 0), rest);
        }
    }

    /// <inheritdoc/>
    protected override (int Shortest, int Height) Measure() => (bytes.Length, 0);
}
