using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Memory that will be read soon. Matrices of one head lie apart, each in its own page, so that the processor does not find the next one by itself; kernels ask for a
/// cache line of it between their steps, since asking for all at once holds them up.
/// </summary>
/// <param name="start">The first byte.</param>
/// <param name="bytes">Bytes; 0 for none.</param>
internal readonly unsafe struct MemoryAhead(byte* start, int bytes)
{
    /// <summary>Bytes of a cache line.</summary>
    public const int LineBytes = 64;

    /// <summary>The first byte.</summary>
    public byte* Start { get; } = start;

    /// <summary>Bytes; 0 for none.</summary>
    public int Bytes { get; } = bytes;

    /// <summary>Bytes from one line to ask for to the next; 0 where there is none, so that one line is asked for again and again.</summary>
    public int Step => Bytes > 0 ? LineBytes : 0;

    /// <summary>Asks for all of it.</summary>
    public void FetchAll() => FetchAllBut(0);

    /// <summary>Asks for all but the last <paramref name="lines"/> lines; returns those.</summary>
    public MemoryAhead FetchAllBut(int lines)
    {
        int now = Math.Max(Bytes - lines * LineBytes, 0);
        for (int at = 0; at < now; at += LineBytes)
        {
            Fetch(Start + at);
        }

        return new MemoryAhead(Start + now, Bytes - now);
    }

    /// <summary>Asks for one line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(byte* line)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(line);
        }
    }
}
