namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>A frame and the stack below it; null is the empty stack: all is written. Compared by value.</summary>
internal sealed class FrameStack : IEquatable<FrameStack>
{
    private readonly int _hash;

    public FrameStack(Frame top, FrameStack? rest)
    {
        Top = top;
        Rest = rest;
        Depth = (rest?.Depth ?? 0) + (top.IsContainer ? 1 : 0);
        Shortest = Math.Min(Rule.Never, top.Shortest + (rest?.Shortest ?? 0));
        _hash = HashCode.Combine(top, rest?._hash ?? 0);
    }

    public Frame Top { get; }

    public FrameStack? Rest { get; }

    /// <summary>How many containers are open.</summary>
    public int Depth { get; }

    /// <summary>The bytes and added tokens of the shortest completion.</summary>
    public int Shortest { get; }

    /// <inheritdoc/>
    public bool Equals(FrameStack? other)
    {
        FrameStack? mine = this;
        while (!ReferenceEquals(mine, other))
        {
            if (mine is null || other is null || mine._hash != other._hash || !mine.Top.Equals(other.Top))
            {
                return false;
            }

            mine = mine.Rest;
            other = other.Rest;
        }

        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as FrameStack);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;
}
