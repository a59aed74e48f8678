namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>How a matrix's weights lie in memory, and how they become floats.</summary>
internal unsafe interface IWeightFormat
{
    /// <summary>Bytes of a weight.</summary>
    static abstract int Bytes { get; }

    /// <summary>Reads a vector of weights from one on.</summary>
    static abstract TVector Load<TLanes, TVector>(byte* row, nint index)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct;

    /// <summary>Reads one weight.</summary>
    static abstract float Load(byte* row, nint index);
}
