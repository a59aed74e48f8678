namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Before a string's opening quote.</summary>
internal sealed record QuoteFrame(StringRule Rule) : Frame
{
    /// <inheritdoc/>
    public override int Shortest => Rule.Shortest;

    /// <inheritdoc/>
    public override bool MayStep(byte value) => value == '"';

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure) => closure.Add(new StringFrame(Rule, Rule.Start), self.Rest);
}
