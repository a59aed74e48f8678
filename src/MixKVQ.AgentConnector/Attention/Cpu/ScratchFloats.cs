namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Scratch memory that grows to what is asked and does not move.</summary>
internal sealed unsafe class ScratchFloats
{
    private float[] _memory = [];

    /// <summary>Room for <paramref name="length"/> floats of any content; valid until a longer length is asked.</summary>
    public float* OfLength(int length)
    {
        if (_memory.Length < length)
        {
            _memory = GC.AllocateUninitializedArray<float>(length, pinned: true);
        }

        return (float*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(_memory));
    }
}
