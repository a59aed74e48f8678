using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>
/// One plane of a quad, four lines of M codes that are packed together: <c>bits</c> bits (1, 2 or 4) of each of the 4·M codes in M·bits/2 bytes.
/// The codes are interleaved, c[4·e + l] = code of the quad's line l, element e, M a multiple of 8:
/// <code>
///   byte b, field k (its bits k·bits …) = bits of c[b + k·(M·bits/2)]
///
///   2-bit plane, M = 128:   byte 0 = c[384] | c[256] | c[128] | c[0]     (high bits left): line 0 of elements 96, 64, 32, 0
///                           byte 1 = c[385] | c[257] | c[129] | c[1]                       line 1 of elements 96, 64, 32, 0
///                           …
///                           byte 4 = c[388] | c[260] | c[132] | c[4]                       line 0 of elements 97, 65, 33, 1     …  byte 127
/// </code>
/// A vector of bytes, shifted and masked, is thus a vector of (element, line) with the four lines of an element in each 32-bit lane: what
/// multiply-add instructions of bytes sum up. Codes and planes are handled as such lanes, four bytes of little-endian order in each.
/// </summary>
internal static class BitPlane
{
    /// <summary>Lines that are packed together.</summary>
    public const int QuadLines = 4;

    /// <summary>Quads that hold so many lines; missing lines of the last have bits 0.</summary>
    public static int Quads(int lineCount) => (lineCount + QuadLines - 1) / QuadLines;

    /// <summary>Bytes that a plane of a quad of lines of <paramref name="lineLength"/> codes takes; the length is a multiple of 8.</summary>
    public static int QuadBytes(int lineLength, int bits) => lineLength * bits / 2;

    /// <summary>Bytes that a plane of so many lines takes.</summary>
    public static int Bytes(int lineCount, int lineLength, int bits) => Quads(lineCount) * QuadBytes(lineLength, bits);

    /// <summary>Writes bits <paramref name="shift"/> … of a quad's codes.</summary>
    /// <param name="codes">[M], the codes of the four lines of an element in each, line 0 in the lowest byte.</param>
    /// <param name="shift">The lowest bit to write.</param>
    /// <param name="bits">1, 2 or 4.</param>
    /// <param name="plane">The quad's M·bits/8 lanes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(ReadOnlySpan<uint> codes, int shift, int bits, Span<uint> plane)
    {
        int stride = codes.Length * bits / 8;
        uint mask = Mask(bits);
        plane = plane[..stride];
        int j = 0;
        for (; j <= stride - Vector256<uint>.Count; j += Vector256<uint>.Count)
        {
            Vector256<uint> fields = default;
            for (int field = 0; field * bits < 8; field++)
            {
                fields |= ((Vector256.Create(codes[(j + field * stride)..]) >>> shift) & Vector256.Create(mask)) << (field * bits);
            }

            fields.CopyTo(plane[j..]);
        }

        for (; j < stride; j++)
        {
            uint fields = 0;
            for (int field = 0; field * bits < 8; field++)
            {
                fields |= ((codes[j + field * stride] >> shift) & mask) << (field * bits);
            }

            plane[j] = fields;
        }
    }

    /// <summary>Adds a quad's plane to its codes, shifted left by <paramref name="shift"/>; parameters as for <see cref="Pack"/>.</summary>
    public static void Unpack(ReadOnlySpan<uint> plane, int shift, int bits, Span<uint> codes)
    {
        int stride = codes.Length * bits / 8;
        uint mask = Mask(bits);
        plane = plane[..stride];
        for (int field = 0; field * bits < 8; field++)
        {
            Span<uint> fieldCodes = codes.Slice(field * stride, stride);
            int j = 0;
            for (; j <= plane.Length - Vector<uint>.Count; j += Vector<uint>.Count)
            {
                Vector<uint> fields = (new Vector<uint>(plane[j..]) >> (field * bits)) & new Vector<uint>(mask);
                (new Vector<uint>(fieldCodes[j..]) | (fields << shift)).CopyTo(fieldCodes[j..]);
            }

            for (; j < plane.Length; j++)
            {
                fieldCodes[j] |= ((plane[j] >> (field * bits)) & mask) << shift;
            }
        }
    }

    /// <summary>A field's lowest bits in each byte.</summary>
    private static uint Mask(int bits) => ((1u << bits) - 1) * 0x0101_0101u;
}
