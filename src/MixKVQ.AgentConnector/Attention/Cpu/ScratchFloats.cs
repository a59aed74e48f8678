namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Scratch memory that grows to what is asked. It begins at a cache line: a wide vector that crosses two costs twice.</summary>
internal sealed unsafe class ScratchFloats
{
    private AlignedMemory _memory = new(0);
    private int _length;

    /// <summary>Room for <paramref name="length"/> floats of any content; valid until a longer length is asked.</summary>
    public float* OfLength(int length)
    {
        if (_length < length)
        {
            _memory = new AlignedMemory(checked(length * sizeof(float)));
            _length = length;
        }

        return _memory.Floats;
    }
}
