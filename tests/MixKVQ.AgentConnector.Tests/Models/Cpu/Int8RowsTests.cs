using CsCheck;
using MixKVQ.AgentConnector.Models.Cpu;

namespace MixKVQ.AgentConnector.Tests.Models.Cpu;

public sealed class Int8RowsTests
{
    [Fact]
    public void Codes_AreWithinHalfAUnitAndTheLargestIsExact() =>
        Gen.Float[-100, 100].Array[1, 100].Sample(values =>
        {
            sbyte[] codes = new sbyte[values.Length];
            float[] back = new float[values.Length];
            float unit = Int8Rows.Quantize(values, codes);
            Int8Rows.Dequantize(codes, unit, back);
            float largest = values.Max(Math.Abs);
            Assert.Equal(largest / 127, unit, largest * 1e-6f);
            Assert.All(values.Zip(back), pair => Assert.InRange(Math.Abs(pair.First - pair.Second), 0, (unit * 0.5001f) + float.Epsilon));
            Assert.Equal(largest, back.Max(Math.Abs), largest * 1e-6f);
        });

    [Fact]
    public void ARowOfZeros_HasUnitZero()
    {
        sbyte[] codes = [1, 2];
        Assert.Equal(0, Int8Rows.Quantize([0, 0], codes));
        Assert.Equal([0, 0], codes);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void ARowThatIsNotFinite_HasNoFiniteUnit(float value) => Assert.False(float.IsFinite(Int8Rows.Quantize([1, value, 2], new sbyte[3])));
}
