using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Native;

/// <summary>Lengths leave ragged vector tails.</summary>
public sealed class BFloat16CopiesTests
{
    private static readonly float[] Special =
        [0, -0f, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.Epsilon, 1.00390625f, 1.01171875f, 3.3961775e38f];

    [Theory]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(70)]
    public void Narrow_RoundsAsTorchDoes(int count)
    {
        using var scope = NewDisposeScope();
        float[] values = [.. randn(count).mul(torch.tensor(1000f)).data<float>().ToArray(), .. Special];
        float[] expected = tensor(values).to(ScalarType.BFloat16).to(ScalarType.Float32).data<float>().ToArray();
        ushort[] halves = new ushort[values.Length];
        float[] actual = new float[values.Length];
        BFloat16Copies.Narrow(values, halves);
        BFloat16Copies.Widen(halves, actual);
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void ANaN_StaysOne()
    {
        // These would round to an infinity and to zero.
        float[] values = [.. Enumerable.Repeat(BitConverter.UInt32BitsToSingle(0x7F800001), 20), .. Enumerable.Repeat(BitConverter.UInt32BitsToSingle(0xFFFFFFFF), 21)];
        ushort[] halves = new ushort[values.Length];
        BFloat16Copies.Narrow(values, halves);
        Assert.All(halves, half => Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle((uint)half << 16))));
    }
}
