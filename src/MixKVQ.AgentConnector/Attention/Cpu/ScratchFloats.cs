using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Scratch memory that grows to what is asked and does not move. It begins at a cache line: a wide vector that crosses two costs twice.</summary>
internal sealed unsafe class ScratchFloats
{
    private const int LineBytes = 64;

    private float[] _memory = [];
    private float* _start;
    private int _length;

    /// <summary>Room for <paramref name="length"/> floats of any content; valid until a longer length is asked.</summary>
    public float* OfLength(int length)
    {
        if (_length < length)
        {
            _memory = GC.AllocateUninitializedArray<float>(length + LineBytes / sizeof(float), pinned: true);
            nint address = Marshal.UnsafeAddrOfPinnedArrayElement(_memory, 0);
            _start = (float*)((address + LineBytes - 1) & -LineBytes);
            _length = length;
        }

        return _start;
    }
}
