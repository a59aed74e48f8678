namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>A vector width of the machine: what products do with it. Code that is generic over it is compiled once for each.</summary>
/// <typeparam name="TVector">A vector of float32.</typeparam>
internal unsafe interface ILanes<TVector>
    where TVector : struct
{
    /// <summary>Floats in a vector.</summary>
    static abstract int Count { get; }

    /// <summary>Reads floats.</summary>
    static abstract TVector Load(float* source);

    /// <summary>Reads bfloat16.</summary>
    static abstract TVector LoadBFloat16(ushort* source);

    /// <summary>Reads signed bytes.</summary>
    static abstract TVector LoadInt8(sbyte* source);

    /// <summary>left · right + sum, rounded once where the machine can.</summary>
    static abstract TVector MultiplyAdd(TVector left, TVector right, TVector sum);

    /// <summary>The sum of all lanes.</summary>
    static abstract float Sum(TVector vector);
}
