namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>What the float loops ask of an instruction set. One implementation a vector width, so that each loop is written once.</summary>
/// <typeparam name="TVector">A vector of floats.</typeparam>
internal unsafe interface IFloatVectors<TVector>
    where TVector : struct
{
    /// <summary>Floats in a vector.</summary>
    static abstract int Count { get; }

    /// <summary>The vector at an address, aligned or not.</summary>
    static abstract TVector Load(float* source);

    /// <summary>Writes the vector to an address, aligned or not.</summary>
    static abstract void Store(TVector vector, float* target);

    /// <summary>A vector of one number.</summary>
    static abstract TVector Create(float value);

    /// <summary>a + b.</summary>
    static abstract TVector Add(TVector a, TVector b);

    /// <summary>a · b.</summary>
    static abstract TVector Multiply(TVector a, TVector b);

    /// <summary>a · b + c.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>The larger of each pair.</summary>
    static abstract TVector Max(TVector a, TVector b);

    /// <summary>The sum of a vector's floats.</summary>
    static abstract float Sum(TVector vector);

    /// <summary>The largest of a vector's floats.</summary>
    static abstract float Largest(TVector vector);

    /// <summary>p · 2^n, where n is the integer in the lower bits of each float of <paramref name="integers"/>, and the result is a normal number.</summary>
    static abstract TVector TimesPowerOfTwo(TVector p, TVector integers);

    /// <summary>Byte <paramref name="index"/> (0 to 3) of each of so many integers, as floats.</summary>
    static abstract TVector ByteOfEach(uint* integers, int index);
}
