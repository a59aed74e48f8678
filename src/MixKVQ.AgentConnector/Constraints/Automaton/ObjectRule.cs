namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>
/// A JSON object. Properties come in any order, none twice; those that are required come before the end, and there is always
/// room left for them.
/// </summary>
internal sealed class ObjectRule : Rule
{
    private readonly int _min;
    private readonly int? _max;
    private int[] _fillers = [];

    /// <param name="names">The names that are known.</param>
    /// <param name="kinds">The names that are not known; the first may be that of all names.</param>
    /// <param name="min">How many properties there are at least.</param>
    /// <param name="max">How many at most; null: no bound.</param>
    public ObjectRule(IEnumerable<ObjectName> names, IReadOnlyList<NameKind> kinds, int min, int? max)
    {
        Names = [.. names.OrderBy(name => name.Text, Comparer<byte[]>.Create((left, right) => left.AsSpan().SequenceCompareTo(right)))];
        Kinds = kinds;
        Tree = new LiteralTree([.. Names.Select(name => name.Text)]);
        _min = min;
        _max = max;
    }

    public IReadOnlyList<ObjectName> Names { get; }

    public IReadOnlyList<NameKind> Kinds { get; }

    /// <summary>The names, as they are numbered in <see cref="Names"/>.</summary>
    public LiteralTree Tree { get; }

    /// <summary>Those of all names: they alone make up a number of properties that is asked for.</summary>
    private NameKind? FreeKind => Kinds.Count > 0 && Kinds[0].Name is FreeStringRule && Kinds[0].Member.IsPossible ? Kinds[0] : null;

    /// <inheritdoc/>
    public override void Enter(FrameStack? rest, Closure closure) => closure.Add(new OpenObjectFrame(this), rest);

    /// <summary>Whether the object may end.</summary>
    public bool MayEnd(ObjectState state) => state.Count >= _min && RequiredMissing(state) == 0;

    /// <summary>Whether a known property may come next.</summary>
    public bool MayTake(ObjectState state, int name, int depth) =>
        !state.Has(name) && Names[name].Member.Fits(depth) && HasRoom(state, Names[name].IsRequired);

    /// <summary>Whether a property of a kind may come next.</summary>
    public bool MayTake(ObjectState state, NameKind kind, int depth) => kind.Member.Fits(depth) && HasRoom(state, isRequired: false);

    /// <summary>Whether any property may come next.</summary>
    public bool MayTakeAny(ObjectState state, int depth)
    {
        for (int name = 0; name < Names.Count; name++)
        {
            if (MayTake(state, name, depth))
            {
                return true;
            }
        }

        for (int kind = 0; kind < Kinds.Count; kind++)
        {
            if (MayTake(state, Kinds[kind], depth) && NameFrame.Begin(this, state, kind, depth).Shortest < Never)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The bytes that complete an object after a member.</summary>
    public int Missing(ObjectState state)
    {
        long bytes = 1;
        int required = 0;
        for (int name = 0; name < Names.Count; name++)
        {
            if (Names[name].IsRequired && !state.Has(name))
            {
                required++;
                bytes += Names[name].Cost;
            }
        }

        int lacking = _min - state.Count - required;
        foreach (int name in _fillers)
        {
            if (lacking > 0 && !state.Has(name))
            {
                lacking--;
                bytes += Names[name].Cost;
            }
        }

        return (int)Math.Min(Never, lacking <= 0 ? bytes : bytes + ((long)lacking * (FreeKind?.Cost ?? Never)));
    }

    /// <summary>The bytes that complete an object after a member, once a known property has been taken.</summary>
    public int MissingWith(ObjectState state, int missing, int name)
    {
        if (Names[name].IsRequired)
        {
            return missing - Names[name].Cost;
        }

        return state.Count + RequiredMissing(state) >= _min ? missing : Missing(state.With(name));
    }

    /// <summary>The bytes that complete an object where a member must come, without the comma.</summary>
    public int MissingMember(ObjectState state, int depth)
    {
        int best = new KeyFrame(this, state, 0, 0, depth).Shortest;
        for (int kind = 0; kind < Kinds.Count; kind++)
        {
            if (MayTake(state, Kinds[kind], depth))
            {
                best = Math.Min(best, NameFrame.Begin(this, state, kind, depth).Shortest);
            }
        }

        return Math.Min(Never, best + 1);
    }

    /// <inheritdoc/>
    protected override (int Shortest, int Height) Measure()
    {
        int required = Names.Count(name => name.IsRequired);

        // Free names fill up what cheaper known ones do not.
        int dearest = FreeKind?.Cost ?? Never - 1;
        int[] fillers = [.. Enumerable.Range(0, Names.Count).Where(name => !Names[name].IsRequired && Names[name].Cost <= dearest).OrderBy(name => Names[name].Cost)];
        int wanted = Math.Max(0, _min - required);
        _fillers = fillers.Length > wanted ? fillers[..wanted] : fillers;
        if (_max < Math.Max(_min, required))
        {
            return (Never, 0);
        }

        int height = 0;
        for (int name = 0; name < Names.Count; name++)
        {
            if (Names[name].IsRequired || _fillers.Contains(name))
            {
                height = Math.Max(height, Names[name].Member.Height);
            }
        }

        if (_fillers.Length < wanted && FreeKind is not null)
        {
            height = Math.Max(height, FreeKind.Member.Height);
        }

        // The first member has no comma before it.
        int missing = Missing(new ObjectState(Names.Count));
        return (Math.Min(Never, missing + (missing > 1 ? 0 : 1)), height + 1);
    }

    private bool HasRoom(ObjectState state, bool isRequired) =>
        _max is null || (isRequired ? state.Count < _max : state.Count + RequiredMissing(state) < _max);

    private int RequiredMissing(ObjectState state)
    {
        int missing = 0;
        for (int name = 0; name < Names.Count; name++)
        {
            missing += Names[name].IsRequired && !state.Has(name) ? 1 : 0;
        }

        return missing;
    }
}
