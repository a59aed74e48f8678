namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>The bytes of a name so far, and what it may not become. Immutable, compared by the bytes.</summary>
internal sealed class NameText : IEquatable<NameText>
{
    private readonly NameText? _previous;
    private readonly byte _last;
    private readonly int _length;
    private readonly int _hash;

    /// <param name="excluded">Names that may not be written.</param>
    public NameText(IReadOnlyList<ReadOnlyMemory<byte>> excluded) => Excluded = excluded;

    private NameText(NameText previous, byte last)
    {
        _previous = previous;
        _last = last;
        _length = previous._length + 1;
        _hash = HashCode.Combine(previous._hash, last);
        Excluded = After(previous.Excluded, last);
    }

    /// <summary>What would make an excluded name of this text, were it appended.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Excluded { get; }

    /// <summary>What of the excluded rests remains after a byte.</summary>
    public static IReadOnlyList<ReadOnlyMemory<byte>> After(IReadOnlyList<ReadOnlyMemory<byte>> excluded, byte value)
    {
        List<ReadOnlyMemory<byte>>? rests = null;
        foreach (ReadOnlyMemory<byte> rest in excluded)
        {
            if (!rest.IsEmpty && rest.Span[0] == value)
            {
                (rests ??= []).Add(rest[1..]);
            }
        }

        return (IReadOnlyList<ReadOnlyMemory<byte>>?)rests ?? [];
    }

    /// <summary>Whether an excluded name would be complete.</summary>
    public static bool HasEnd(IReadOnlyList<ReadOnlyMemory<byte>> excluded)
    {
        foreach (ReadOnlyMemory<byte> rest in excluded)
        {
            if (rest.IsEmpty)
            {
                return true;
            }
        }

        return false;
    }

    public NameText Append(byte value) => new(this, value);

    public byte[] ToArray()
    {
        var bytes = new byte[_length];
        for (NameText text = this; text._previous is not null; text = text._previous)
        {
            bytes[text._length - 1] = text._last;
        }

        return bytes;
    }

    /// <inheritdoc/>
    public bool Equals(NameText? other)
    {
        NameText? mine = this;
        while (!ReferenceEquals(mine, other))
        {
            if (mine is null || other is null || mine._hash != other._hash || mine._length != other._length || mine._last != other._last)
            {
                return false;
            }

            mine = mine._previous;
            other = other._previous;
        }

        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as NameText);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;
}
