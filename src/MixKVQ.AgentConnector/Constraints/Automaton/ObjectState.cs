namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Which properties an object has so far. Immutable, compared by value.</summary>
internal sealed class ObjectState : IEquatable<ObjectState>
{
    private readonly ulong[] _seen;
    private readonly byte[][] _others;
    private readonly int _hash;

    public ObjectState(int names)
        : this(new ulong[(names + 63) / 64], [], 0)
    {
    }

    private ObjectState(ulong[] seen, byte[][] others, int count)
    {
        _seen = seen;
        _others = others;
        Count = count;
        var hash = default(HashCode);
        foreach (ulong word in seen)
        {
            hash.Add(word);
        }

        foreach (byte[] other in others)
        {
            hash.AddBytes(other);
        }

        _hash = hash.ToHashCode();
    }

    /// <summary>How many properties there are.</summary>
    public int Count { get; }

    /// <summary>The names that the rule does not know, in the order they came.</summary>
    public IReadOnlyList<byte[]> Others => _others;

    public bool Has(int name) => (_seen[name >> 6] >> (name & 63) & 1) != 0;

    public ObjectState With(int name)
    {
        var seen = (ulong[])_seen.Clone();
        seen[name >> 6] |= 1UL << (name & 63);
        return new ObjectState(seen, _others, Count + 1);
    }

    public ObjectState With(byte[] other) => new(_seen, [.. _others, other], Count + 1);

    /// <inheritdoc/>
    public bool Equals(ObjectState? other)
    {
        if (ReferenceEquals(this, other))
        {
            return true;
        }

        if (other is null || _hash != other._hash || !_seen.AsSpan().SequenceEqual(other._seen) || _others.Length != other._others.Length)
        {
            return false;
        }

        for (int i = 0; i < _others.Length; i++)
        {
            if (!ReferenceEquals(_others[i], other._others[i]) && !_others[i].AsSpan().SequenceEqual(other._others[i]))
            {
                return false;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ObjectState);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;
}
