namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Before an added token, which no bytes can stand for.</summary>
internal sealed record TokenFrame(int Id) : Frame
{
    /// <inheritdoc/>
    public override int Shortest => 1;

    /// <inheritdoc/>
    public override bool MayStep(byte value) => false;

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure)
    {
    }
}
