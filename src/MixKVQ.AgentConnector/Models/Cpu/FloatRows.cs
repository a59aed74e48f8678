using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>Scratch memory for some rows of floats, each at a multiple of a cache line. It grows to what is asked and does not move otherwise.</summary>
/// <param name="width">Floats of a row.</param>
internal sealed unsafe class FloatRows(int width)
{
    private const int Alignment = 64;

    private byte[] _memory = [];
    private int _count;

    /// <summary>Floats from one row to the next.</summary>
    public int Stride { get; } = (width + 15) / 16 * 16;

    /// <summary>A row of any content; valid until more rows are asked for.</summary>
    public float* this[int row] => (float*)((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_memory)) + (Alignment - 1) & -Alignment) + ((nint)row * Stride);

    /// <summary>A row as a span.</summary>
    public Span<float> Span(int row) => new(this[row], width);

    /// <summary>Makes room for rows; what rows held is lost where there was not enough.</summary>
    public void Reserve(int count)
    {
        if (count > _count)
        {
            _count = count;
            _memory = GC.AllocateUninitializedArray<byte>(checked((count * Stride * sizeof(float)) + Alignment), pinned: true);
        }
    }
}
