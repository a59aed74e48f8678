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
        Gen.Select(Gen.Byte.Array[1, 20].Select(eighths => eighths.Length * 8).SelectMany(length => Gen.Byte.Array[length]), Gen.Int[0, 8 - bits]).Sample((codes, shift) =>
        {
            var plane = new byte[BitPlane.Bytes(codes.Length, bits)];
            BitPlane.Pack(codes, shift, bits, plane);
            var unpacked = new byte[codes.Length];
            BitPlane.Unpack(plane, shift, bits, unpacked);
            int mask = ((1 << bits) - 1) << shift;
            Assert.Equal(codes.Select(code => (byte)(code & mask)), unpacked);
        });
    }

    [Fact]
    public void Pack_LaysFieldsAsDrawn()
    {
        byte[] codes = [.. Enumerable.Range(0, 128).Select(i => (byte)(i % 4 == 1 ? 3 : i / 32))];
        var plane = new byte[32];
        BitPlane.Pack(codes, 0, 2, plane);
        Assert.Equal(0b11_10_01_00, plane[0]);
        Assert.Equal(0b11_11_11_11, plane[1]);
    }
}
