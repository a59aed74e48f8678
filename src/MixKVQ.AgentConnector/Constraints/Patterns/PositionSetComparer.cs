using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>Compares sorted sets of positions by content.</summary>
internal sealed class PositionSetComparer : IEqualityComparer<int[]>
{
    public static readonly PositionSetComparer Instance = new();

    public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

    public int GetHashCode(int[] obj)
    {
        HashCode hash = default;
        hash.AddBytes(MemoryMarshal.AsBytes(obj.AsSpan()));
        return hash.ToHashCode();
    }
}
