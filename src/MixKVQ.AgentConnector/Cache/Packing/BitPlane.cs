namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>
/// One plane of a line of codes: <c>bits</c> bits (1, 2 or 4) of each of the line's M codes in M·bits/8 bytes.
/// <code>
/// byte j, field k (its bits k·bits …) = bits of code j + k·(M·bits/8)
///
///   2-bit plane, M = 128:   byte 0 = code 96 | code 64 | code 32 | code 0     (high bits left)
///                           byte 1 = code 97 | code 65 | code 33 | code 1     …  byte 31
/// </code>
/// A vector of bytes, shifted and masked, is thus a vector of consecutive codes.
/// </summary>
internal static class BitPlane
{
    /// <summary>Bytes that a plane of a line of <paramref name="codeCount"/> codes takes; the count is a multiple of 8.</summary>
    public static int Bytes(int codeCount, int bits) => codeCount * bits / 8;

    /// <summary>Writes bits <paramref name="shift"/> … of each code.</summary>
    public static void Pack(ReadOnlySpan<byte> codes, int shift, int bits, Span<byte> plane)
    {
        int stride = Bytes(codes.Length, bits);
        int mask = (1 << bits) - 1;
        plane = plane[..stride];
        plane.Clear();
        for (int field = 0; field * bits < 8; field++)
        {
            ReadOnlySpan<byte> fieldCodes = codes.Slice(field * stride, stride);
            for (int j = 0; j < plane.Length; j++)
            {
                plane[j] |= (byte)(((fieldCodes[j] >> shift) & mask) << (field * bits));
            }
        }
    }

    /// <summary>Adds the plane's bits to <paramref name="codes"/>, shifted left by <paramref name="shift"/>.</summary>
    public static void Unpack(ReadOnlySpan<byte> plane, int shift, int bits, Span<byte> codes)
    {
        int stride = Bytes(codes.Length, bits);
        int mask = (1 << bits) - 1;
        plane = plane[..stride];
        for (int field = 0; field * bits < 8; field++)
        {
            Span<byte> fieldCodes = codes.Slice(field * stride, stride);
            for (int j = 0; j < plane.Length; j++)
            {
                fieldCodes[j] |= (byte)(((plane[j] >> (field * bits)) & mask) << shift);
            }
        }
    }
}
