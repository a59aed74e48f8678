using System.Runtime.InteropServices;
using CsCheck;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Tests.Cache.Packing;

public sealed class BitPlaneTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void PackThenUnpack_ReturnsTheBitsOfEveryCode(int bits)
    {
        Gen.Select(Gen.Int[1, 20].SelectMany(eighths => Gen.UInt.Array[8 * eighths]), Gen.Int[0, 8 - bits]).Sample((codes, shift) =>
        {
            var plane = new uint[BitPlane.QuadBytes(codes.Length, bits) / 4];
            BitPlane.Pack(codes, shift, bits, plane);
            var unpacked = new uint[codes.Length];
            BitPlane.Unpack(plane, shift, bits, unpacked);
            uint mask = 0x0101_0101u * (((1u << bits) - 1) << shift);
            Assert.Equal(codes.Select(code => code & mask), unpacked);
        });
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 3)]
    [InlineData(2, 0)]
    [InlineData(4, 4)]
    public void Pack_LaysFieldsAsDrawn(int bits, int shift)
    {
        foreach (int length in new[] { 8, 24, 64, 128 })
        {
            byte[] codes = new byte[4 * length];
            new Random(length).NextBytes(codes);
            var plane = new byte[BitPlane.QuadBytes(length, bits)];
            BitPlane.Pack(MemoryMarshal.Cast<byte, uint>(codes), shift, bits, MemoryMarshal.Cast<byte, uint>(plane.AsSpan()));
            for (int b = 0; b < plane.Length; b++)
            {
                for (int field = 0; field < 8 / bits; field++)
                {
                    int mask = (1 << bits) - 1;
                    Assert.Equal((codes[b + field * plane.Length] >> shift) & mask, (plane[b] >> (field * bits)) & mask);
                }
            }
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(4, 1)]
    [InlineData(5, 2)]
    public void LinesOfABegunQuad_TakeTheWholeQuad(int lines, int quads)
    {
        Assert.Equal(quads * 128, BitPlane.Bytes(lines, 128, 2));
        Assert.Equal(quads * 64, BitPlane.Bytes(lines, 128, 1));
        Assert.Equal(quads * 256, BitPlane.Bytes(lines, 128, 4));
    }
}
