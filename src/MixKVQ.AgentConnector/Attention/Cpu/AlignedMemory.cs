using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Memory that does not move and begins at a multiple of 64 bytes; garbage-collected.</summary>
internal sealed unsafe class AlignedMemory
{
    private const int Alignment = 64;

    // Held for the memory that Start points into.
    private readonly byte[] _memory;

    /// <param name="bytes">Bytes wanted; all are 0 at first.</param>
    public AlignedMemory(int bytes)
    {
        _memory = GC.AllocateArray<byte>(bytes + Alignment, pinned: true);
        nuint start = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_memory));
        Start = (byte*)((start + Alignment - 1) & ~(nuint)(Alignment - 1));
    }

    /// <summary>The first byte.</summary>
    public byte* Start { get; }

    /// <summary>The first float.</summary>
    public float* Floats => (float*)Start;
}
