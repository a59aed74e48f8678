namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Within a name that the object's rule does not know. Known names and those in use are never completed.</summary>
internal sealed record NameFrame : Frame, IStringFrame
{
    /// <summary>No name holds this byte, so a text that ends with it is none in use.</summary>
    private const byte NoName = 0xFF;

    private readonly ObjectRule _rule;
    private readonly ObjectState _state;
    private readonly int _kind;
    private readonly int _depth;
    private readonly NameText _text;
    private readonly int _missingAfter;

    private NameFrame(ObjectRule rule, ObjectState state, int kind, int depth, int missingAfter, StringPosition position, NameText text)
    {
        _rule = rule;
        _state = state;
        _kind = kind;
        _depth = depth;
        _missingAfter = missingAfter;
        Position = position;
        _text = text;
        Shortest = Math.Min(Automaton.Rule.Never, Missing(position, text.Excluded) + 1 + missingAfter);
    }

    /// <inheritdoc/>
    public StringRule Rule => _rule.Kinds[_kind].Name;

    /// <inheritdoc/>
    public StringPosition Position { get; }

    /// <inheritdoc/>
    public IReadOnlyList<ReadOnlyMemory<byte>> Excluded => _text.Excluded;

    /// <inheritdoc/>
    public override int Shortest { get; }

    /// <inheritdoc/>
    public override bool IsContainer => true;

    /// <summary>The frame after the opening quote; it can be completed unless <see cref="Shortest"/> says never.</summary>
    public static NameFrame Begin(ObjectRule rule, ObjectState state, int kind, int depth)
    {
        var excluded = new List<ReadOnlyMemory<byte>>(rule.Names.Count + state.Others.Count);
        foreach (ObjectName name in rule.Names)
        {
            excluded.Add(name.Text);
        }

        foreach (byte[] other in state.Others)
        {
            excluded.Add(other);
        }

        int missingAfter = rule.Kinds[kind].Member.Shortest + rule.Missing(state.With([NoName]));
        return new NameFrame(rule, state, kind, depth, missingAfter, rule.Kinds[kind].Name.Start, new NameText(excluded));
    }

    /// <inheritdoc/>
    public bool Equals(NameFrame? other) =>
        other is not null && ReferenceEquals(_rule, other._rule) && _kind == other._kind && _depth == other._depth &&
        Position == other.Position && _state.Equals(other._state) && _text.Equals(other._text);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_rule, _kind, _depth, Position, _state, _text);

    /// <inheritdoc/>
    public void Close(FrameStack self, Closure closure) => Close([.. _text.ToArray(), NoName], self, closure);

    /// <inheritdoc/>
    public override bool MayStep(byte value) => value >= 0x20;

    /// <inheritdoc/>
    public override void Step(FrameStack self, byte value, Closure closure)
    {
        if (value == '"')
        {
            if (Rule.Accepts(Position) && !NameText.HasEnd(_text.Excluded))
            {
                Close(_text.ToArray(), self, closure);
            }
        }
        else if (Rule.TryStep(Position, value, out StringPosition next))
        {
            var frame = new NameFrame(_rule, _state, _kind, _depth, _missingAfter, next, _text.Append(value));
            if (frame.Shortest < Automaton.Rule.Never)
            {
                closure.Add(frame, self.Rest);
            }
        }
    }

    private void Close(byte[] name, FrameStack self, Closure closure)
    {
        var after = new ObjectFrame(_rule, _state.With(name), ContainerPlace.AfterMember, _depth);
        _rule.Kinds[_kind].Member.Enter(new FrameStack(after, self.Rest), closure);
    }

    /// <summary>The fewest bytes to an end that no excluded text ends at.</summary>
    private int Missing(StringPosition position, IReadOnlyList<ReadOnlyMemory<byte>> excluded)
    {
        int least = Rule.Missing(position);
        if (excluded.Count == 0 || (least == 0 && !NameText.HasEnd(excluded)))
        {
            return least;
        }

        // No way is shorter than the least one, so the search ends as soon as one as short is found.
        least = Math.Max(least, 1);
        int best = Automaton.Rule.Never;
        for (int value = 0x7E; value >= 0 && best > least; value--)
        {
            Try((byte)value);
        }

        for (int value = 0x7F; value <= 0xFF && best > least; value++)
        {
            Try((byte)value);
        }

        return best;

        void Try(byte value)
        {
            if (value != '"' && Rule.TryStep(position, value, out StringPosition next) && Rule.Missing(next) + 1 < best)
            {
                best = Math.Min(best, Missing(next, NameText.After(excluded, value)) + 1);
            }
        }
    }
}
