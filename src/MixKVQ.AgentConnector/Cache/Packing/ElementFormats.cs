using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Native;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>Copies between float32 and an <see cref="ElementFormat"/>, exactly where the elements came from that format.</summary>
internal static class ElementFormats
{
    /// <summary>Bytes of one element.</summary>
    public static int Bytes(this ElementFormat format) => format == ElementFormat.Float32 ? 4 : 2;

    /// <summary>Writes <paramref name="elements"/>, rounded to the nearest the format has.</summary>
    public static void Write(this ElementFormat format, ReadOnlySpan<float> elements, Span<byte> target)
    {
        switch (format)
        {
            case ElementFormat.Float32:
                elements.CopyTo(MemoryMarshal.Cast<byte, float>(target));
                break;
            case ElementFormat.BFloat16:
                BFloat16Copies.Narrow(elements, MemoryMarshal.Cast<byte, ushort>(target));
                break;
            default:
                Span<Half> shorts = MemoryMarshal.Cast<byte, Half>(target);
                for (int i = 0; i < elements.Length; i++)
                {
                    shorts[i] = (Half)elements[i];
                }

                break;
        }
    }

    /// <summary>Reads as many elements as <paramref name="elements"/> has room for.</summary>
    public static void Read(this ElementFormat format, ReadOnlySpan<byte> source, Span<float> elements)
    {
        switch (format)
        {
            case ElementFormat.Float32:
                MemoryMarshal.Cast<byte, float>(source)[..elements.Length].CopyTo(elements);
                break;
            case ElementFormat.BFloat16:
                BFloat16Copies.Widen(MemoryMarshal.Cast<byte, ushort>(source), elements);
                break;
            default:
                TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(source)[..elements.Length], elements);
                break;
        }
    }

    /// <summary>Whether no element is NaN or infinite, which is to have all bits of the exponent.</summary>
    public static bool AreFinite(this ElementFormat format, ReadOnlySpan<byte> elements) => format switch
    {
        ElementFormat.Float32 => !AnyHasAll(MemoryMarshal.Cast<byte, uint>(elements), 0x7F80_0000u),
        ElementFormat.BFloat16 => !AnyHasAll(MemoryMarshal.Cast<byte, ushort>(elements), (ushort)0x7F80),
        _ => !AnyHasAll(MemoryMarshal.Cast<byte, ushort>(elements), (ushort)0x7C00),
    };

    private static bool AnyHasAll<T>(ReadOnlySpan<T> elements, T bits)
        where T : unmanaged, IBinaryInteger<T>
    {
        var mask = new Vector<T>(bits);
        ReadOnlySpan<Vector<T>> vectors = MemoryMarshal.Cast<T, Vector<T>>(elements);
        foreach (Vector<T> vector in vectors)
        {
            if (Vector.EqualsAny(vector & mask, mask))
            {
                return true;
            }
        }

        foreach (T element in elements[(vectors.Length * Vector<T>.Count)..])
        {
            if ((element & bits) == bits)
            {
                return true;
            }
        }

        return false;
    }
}
