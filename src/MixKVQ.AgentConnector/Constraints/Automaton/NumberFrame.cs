namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Within a number. Every text that is reached can be completed.</summary>
internal sealed record NumberFrame : Frame
{
    private readonly NumberRule _rule;
    private readonly NumberText _text;

    public NumberFrame(NumberRule rule, NumberText text)
    {
        _rule = rule;
        Shortest = rule.Missing(text);

        // Where every number will do, all digits but zeros are alike.
        _text = rule.IsFree && text.Digits != 0 ? text with { Digits = 1 } : text;
    }

    /// <inheritdoc/>
    public override int Shortest { get; }

    /// <inheritdoc/>
    public override void Expand(FrameStack self, Closure closure)
    {
        if (Shortest >= Rule.Never)
        {
            return;
        }

        closure.Keep(self);
        if (Shortest == 0)
        {
            closure.Add(self.Rest);
        }
    }

    /// <inheritdoc/>
    public override bool MayStep(byte value) => value is (>= (byte)'0' and <= (byte)'9') or (byte)'-' or (byte)'.';

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure)
    {
        if (_text.TryAppend(value, out NumberText next))
        {
            closure.Add(new NumberFrame(_rule, next), self.Rest);
        }
    }
}
