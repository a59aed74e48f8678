namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>
/// All the stacks a text may have led to: one state of the automaton. Compared by value; one object for equal ones while the
/// store remembers them, so that transitions and masks are found once. Thread-safe.
/// </summary>
internal sealed class Configuration : IEquatable<Configuration>
{
    private readonly FrameStack[] _stacks;
    private readonly int _hash;
    private readonly Configuration?[]?[] _next = new Configuration?[]?[16];

    public Configuration(Closure closure)
    {
        _stacks = [.. closure.Kept];
        IsComplete = closure.IsComplete;
        Shortest = IsComplete ? 0 : Rule.Never;
        var hash = default(HashCode);
        hash.Add(IsComplete);
        foreach (FrameStack stack in _stacks)
        {
            hash.Add(stack);
            Shortest = Math.Min(Shortest, stack.Shortest);
        }

        _hash = hash.ToHashCode();
    }

    /// <summary>Nothing may follow and nothing is complete.</summary>
    public static Configuration Dead { get; } = new(new Closure());

    public ReadOnlySpan<FrameStack> Stacks => _stacks;

    /// <summary>Whether the text may end here.</summary>
    public bool IsComplete { get; }

    public bool IsDead => _stacks.Length == 0 && !IsComplete;

    /// <summary>The bytes and added tokens of the shortest completion.</summary>
    public int Shortest { get; }

    /// <summary>What the masks keep for this configuration.</summary>
    public volatile object? Masks;

    /// <summary>What the masks keep for the time after <c>Close</c>.</summary>
    public volatile object? ClosingMasks;

    /// <summary>The configuration after one more byte.</summary>
    public Configuration Step(byte value, ConfigurationStore store)
    {
        Configuration?[]? row = Volatile.Read(ref _next[value >> 4]);
        if (row is not null && Volatile.Read(ref row[value & 15]) is { } known)
        {
            return known;
        }

        Closure? closure = null;
        foreach (FrameStack stack in _stacks)
        {
            if (stack.Top.MayStep(value))
            {
                closure ??= new Closure();
                stack.Top.Step(stack, value, closure);
            }
        }

        if (closure is null)
        {
            return Dead;
        }

        Configuration next = store.Intern(closure);
        if (row is null)
        {
            row = new Configuration?[16];
            row = Interlocked.CompareExchange(ref _next[value >> 4], row, null) ?? row;
        }

        Volatile.Write(ref row[value & 15], next);
        return next;
    }

    /// <summary>The configuration after an added token.</summary>
    public Configuration StepToken(int id, ConfigurationStore store)
    {
        Closure? closure = null;
        foreach (FrameStack stack in _stacks)
        {
            if (stack.Top is TokenFrame frame && frame.Id == id)
            {
                (closure ??= new Closure()).Add(stack.Rest);
            }
        }

        return closure is null ? Dead : store.Intern(closure);
    }

    /// <inheritdoc/>
    public bool Equals(Configuration? other) =>
        ReferenceEquals(this, other) ||
        (other is not null && _hash == other._hash && IsComplete == other.IsComplete && Stacks.SequenceEqual(other.Stacks));

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as Configuration);

    /// <inheritdoc/>
    public override int GetHashCode() => _hash;
}
