using System.Runtime.Intrinsics;
using MixKVQ.AgentConnector.Threading;

namespace MixKVQ.AgentConnector.Benchmarks.Measuring;

/// <summary>Reads memory, all of it and nothing else: what no kernel over the same bytes can beat.</summary>
/// <param name="team">Shares the work; borrowed.</param>
internal sealed unsafe class MemoryRead(WorkerTeam team) : ITeamJob
{
    private const int PiecesAnItem = 4;
    private const int Stride = 4 * 64;
    private readonly ulong[] _sums = new ulong[team.Size];
    private IReadOnlyList<MemoryPiece> _pieces = [];

    /// <summary>Reads pieces of memory.</summary>
    public void Run(IReadOnlyList<MemoryPiece> pieces)
    {
        _pieces = pieces;
        team.Run(this, (pieces.Count + PiecesAnItem - 1) / PiecesAnItem);
    }

    /// <inheritdoc/>
    public void Execute(int item, int worker)
    {
        Vector512<ulong> a = default, b = default, c = default, d = default;
        for (int i = item * PiecesAnItem; i < Math.Min(_pieces.Count, (item + 1) * PiecesAnItem); i++)
        {
            byte* next = _pieces[i].Start;
            for (byte* end = next + (_pieces[i].Bytes / Stride * Stride); next < end; next += Stride)
            {
                a ^= Vector512.Load((ulong*)next);
                b ^= Vector512.Load((ulong*)(next + 64));
                c ^= Vector512.Load((ulong*)(next + 128));
                d ^= Vector512.Load((ulong*)(next + 192));
            }
        }

        _sums[worker] ^= Vector512.Sum(a ^ b ^ c ^ d);
    }
}
