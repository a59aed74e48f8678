using System.Runtime.Intrinsics;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Turns a packed line's codes into floats, without scale and zero; a line that is not quantized into its elements.</summary>
internal static unsafe class LineDecoder
{
    /// <summary>Planes of lines that are a multiple of this are whole groups of eight bytes, however narrow; other lines are read code by code.</summary>
    private const int VectorLine = 64;

    /// <summary>Writes the line at a place of the matrix's storage order.</summary>
    /// <param name="matrix">Opened on the matrix.</param>
    /// <param name="place">The line's place.</param>
    /// <param name="target">Room for the line's elements.</param>
    /// <param name="codes">Scratch bytes for a line.</param>
    public static void Decode(MatrixReader matrix, int place, float* target, Span<byte> codes)
    {
        int length = matrix.Layout.LineLength;
        if (place >= matrix.Counts.Quantized)
        {
            matrix.ReadLine(place, new Span<float>(target, length));
            return;
        }

        if (length % VectorLine != 0)
        {
            matrix.ReadCodes(place, codes);
            for (int i = 0; i < length; i++)
            {
                target[i] = codes[i];
            }

            return;
        }

        SetPairs(matrix.Start + matrix.Offsets.Low + place * (length / 4), target, length / 4);
        if (place < matrix.Counts.Third)
        {
            AddBits(matrix.Start + matrix.Offsets.Third + place * (length / 8), target, length / 8, 4);
        }

        if (place < matrix.Counts.Fourth)
        {
            AddBits(matrix.Start + matrix.Offsets.Fourth + place * (length / 8), target, length / 8, 8);
        }

        if (place < matrix.Counts.Eight)
        {
            AddNibbles(matrix.Start + matrix.Offsets.High + place * (length / 2), target, length / 2);
        }
    }

    private static void SetPairs(byte* plane, float* target, int planeBytes)
    {
        Vector256<int> mask = Vector256.Create(3);
        for (int j = 0; j < planeBytes; j += 8)
        {
            Vector256<int> bytes = Widen(plane + j);
            float* at = target + j;
            Vector256.ConvertToSingle(bytes & mask).Store(at);
            Vector256.ConvertToSingle((bytes >>> 2) & mask).Store(at + planeBytes);
            Vector256.ConvertToSingle((bytes >>> 4) & mask).Store(at + 2 * planeBytes);
            Vector256.ConvertToSingle(bytes >>> 6).Store(at + 3 * planeBytes);
        }
    }

    private static void AddBits(byte* plane, float* target, int planeBytes, int bitValue)
    {
        Vector256<int> one = Vector256.Create(1);
        Vector256<float> value = Vector256.Create((float)bitValue);
        for (int j = 0; j < planeBytes; j += 8)
        {
            Vector256<int> bytes = Widen(plane + j);
            for (int field = 0; field < 8; field++)
            {
                float* at = target + j + field * planeBytes;
                Vector256<float> bit = Vector256.ConvertToSingle((bytes >>> field) & one);
                Vector256.MultiplyAddEstimate(bit, value, Vector256.Load(at)).Store(at);
            }
        }
    }

    private static void AddNibbles(byte* plane, float* target, int planeBytes)
    {
        Vector256<float> value = Vector256.Create(16f);
        for (int j = 0; j < planeBytes; j += 8)
        {
            Vector256<int> bytes = Widen(plane + j);
            float* low = target + j;
            float* high = low + planeBytes;
            Vector256.MultiplyAddEstimate(Vector256.ConvertToSingle(bytes & Vector256.Create(15)), value, Vector256.Load(low)).Store(low);
            Vector256.MultiplyAddEstimate(Vector256.ConvertToSingle(bytes >>> 4), value, Vector256.Load(high)).Store(high);
        }
    }

    /// <summary>Eight bytes as eight integers.</summary>
    private static Vector256<int> Widen(byte* bytes)
    {
        Vector128<ushort> words = Vector128.WidenLower(Vector128.CreateScalarUnsafe(*(ulong*)bytes).AsByte());
        return Vector256.Create(Vector128.WidenLower(words), Vector128.WidenUpper(words)).AsInt32();
    }
}
