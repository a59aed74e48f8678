using System.Collections.Immutable;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>A set of Unicode scalar values: ranges in order, none touching another, none holding a surrogate; compared by content.</summary>
internal sealed class CodePointSet : IEquatable<CodePointSet>
{
    public const int MaxCodePoint = 0x10FFFF;

    private const int FirstSurrogate = 0xD800;

    private const int LastSurrogate = 0xDFFF;

    public static readonly CodePointSet Empty = new([]);

    public static readonly CodePointSet Any = Of(new CodePointRange(0, MaxCodePoint));

    private CodePointSet(ImmutableArray<CodePointRange> ranges) => Ranges = ranges;

    public ImmutableArray<CodePointRange> Ranges { get; }

    public bool IsEmpty => Ranges.IsEmpty;

    public static CodePointSet Of(params ReadOnlySpan<CodePointRange> ranges)
    {
        CodePointRange[] ordered = [.. ranges];
        Array.Sort(ordered, (left, right) => left.First.CompareTo(right.First));
        List<CodePointRange> merged = [];
        foreach (CodePointRange range in ordered)
        {
            AddScalars(merged, range);
        }

        return new CodePointSet([.. merged]);
    }

    public static CodePointSet Of(char character) => Of(new CodePointRange(character, character));

    public CodePointSet Union(CodePointSet other) => Of([.. Ranges, .. other.Ranges]);

    public CodePointSet Complement()
    {
        List<CodePointRange> gaps = [];
        int next = 0;
        foreach (CodePointRange range in Ranges)
        {
            if (range.First > next)
            {
                AddScalars(gaps, new CodePointRange(next, range.First - 1));
            }

            next = range.Last + 1;
        }

        if (next <= MaxCodePoint)
        {
            AddScalars(gaps, new CodePointRange(next, MaxCodePoint));
        }

        return new CodePointSet([.. gaps]);
    }

    public bool Equals(CodePointSet? other) => other is not null && Ranges.AsSpan().SequenceEqual(other.Ranges.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as CodePointSet);

    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (CodePointRange range in Ranges)
        {
            hash.Add(range.First);
            hash.Add(range.Last);
        }

        return hash.ToHashCode();
    }

    /// <summary>Adds a range, less its surrogates, behind others that start no later.</summary>
    private static void AddScalars(List<CodePointRange> ranges, CodePointRange range)
    {
        Add(ranges, range.First, Math.Min(range.Last, FirstSurrogate - 1));
        Add(ranges, Math.Max(range.First, LastSurrogate + 1), range.Last);
    }

    private static void Add(List<CodePointRange> ranges, int first, int last)
    {
        if (first > last)
        {
            return;
        }

        if (ranges.Count > 0 && first <= ranges[^1].Last + 1)
        {
            ranges[^1] = ranges[^1] with { Last = Math.Max(ranges[^1].Last, last) };
        }
        else
        {
            ranges.Add(new CodePointRange(first, last));
        }
    }
}
