using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>The planes of a packed matrix that integer products read: see <see cref="MatrixLayout"/>.</summary>
internal readonly unsafe struct QuadPlanes(byte* matrix, in MatrixOffsets offsets, in WidthCounts counts, int lineLength, MemoryAhead ahead)
{
    /// <summary>Bits 0 and 1, <see cref="LineLength"/> bytes a quad.</summary>
    public readonly byte* Low = matrix + offsets.Low;

    /// <summary>Bit 2, half as many bytes a quad.</summary>
    public readonly byte* Third = matrix + offsets.Third;

    /// <summary>Bit 3, half as many bytes a quad.</summary>
    public readonly byte* Fourth = matrix + offsets.Fourth;

    /// <summary>Bits 4 to 7, twice as many bytes a quad.</summary>
    public readonly byte* High = matrix + offsets.High;

    /// <summary>Quads that have a low plane.</summary>
    public readonly int Quads = counts.Quads;

    /// <summary>Quads that have bit 2.</summary>
    public readonly int ThirdQuads = counts.ThirdQuads;

    /// <summary>Quads that have bit 3.</summary>
    public readonly int FourthQuads = counts.FourthQuads;

    /// <summary>Quads that have bits 4 to 7.</summary>
    public readonly int EightQuads = counts.EightQuads;

    /// <summary>Elements of a line.</summary>
    public readonly int LineLength = lineLength;

    /// <summary>What is to be asked for meanwhile, a line a step.</summary>
    public readonly MemoryAhead Ahead = ahead;
}
