using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

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
                Span<ushort> halves = MemoryMarshal.Cast<byte, ushort>(target);
                for (int i = 0; i < elements.Length; i++)
                {
                    uint bits = BitConverter.SingleToUInt32Bits(elements[i]);
                    halves[i] = (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
                }

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
                ReadBFloat16(MemoryMarshal.Cast<byte, ushort>(source), elements);
                break;
            default:
                ReadOnlySpan<Half> shorts = MemoryMarshal.Cast<byte, Half>(source);
                for (int i = 0; i < elements.Length; i++)
                {
                    elements[i] = (float)shorts[i];
                }

                break;
        }
    }

    private static void ReadBFloat16(ReadOnlySpan<ushort> source, Span<float> elements)
    {
        source = source[..elements.Length];
        int i = 0;
        for (; i <= source.Length - Vector128<ushort>.Count; i += Vector128<ushort>.Count)
        {
            Vector128<ushort> halves = Vector128.LoadUnsafe(in source[i]);
            (Vector128.WidenLower(halves) << 16).AsSingle().StoreUnsafe(ref elements[i]);
            (Vector128.WidenUpper(halves) << 16).AsSingle().StoreUnsafe(ref elements[i + Vector128<uint>.Count]);
        }

        for (; i < source.Length; i++)
        {
            elements[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
        }
    }
}
