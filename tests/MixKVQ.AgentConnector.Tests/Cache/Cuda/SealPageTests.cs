using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Precision;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Cache.Cuda;

public sealed class SealPageTests
{
    [Theory]
    [InlineData(TailData.Usual)]
    [InlineData(TailData.Constant)]
    [InlineData(TailData.Outliers)]
    [InlineData(TailData.Ties)]
    [InlineData(TailData.Tiny)]
    [InlineData(TailData.SignedZeros)]
    public void ADevicesPage_IsTheCpusToTheLastBit_WhateverTheData(TailData data)
    {
        AssertSame(CacheDriver.SmallGeometry(headDim: 64, dtype: ScalarType.Float32), new BudgetPolicy(3.1), 64, data);
        AssertSame(CacheDriver.SmallGeometry(headDim: 64, dtype: ScalarType.Float16), new BudgetPolicy(3.3), 32, data);
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 128, 128, 2.5)]
    [InlineData(ScalarType.Float32, 128, 32, 3.4)]
    [InlineData(ScalarType.Float16, 80, 80, 3)]
    [InlineData(ScalarType.BFloat16, 24, 8, 5)]
    public void ADevicesPage_IsTheCpusToTheLastBit_WhateverTheShape(ScalarType dtype, int headDim, int valueGroup, double targetBits) =>
        AssertSame(CacheDriver.SmallGeometry(headDim: headDim, dtype: dtype), new BudgetPolicy(targetBits), valueGroup, TailData.Usual);

    [Theory]
    [InlineData(2.4)]
    [InlineData(6)]
    [InlineData(9)]
    [InlineData(20)]
    public void ADevicesPage_IsTheCpusToTheLastBit_WhateverTheTarget(double targetBits) =>
        AssertSame(CacheDriver.SmallGeometry(layers: 3, queryHeads: 3, keyValueHeads: 3, headDim: 128), new BudgetPolicy(targetBits), 128, TailData.Usual, false);

    [Theory]
    [InlineData(3)]
    [InlineData(8)]
    [InlineData(16)]
    public void ADevicesPage_IsTheCpusToTheLastBit_AtOneWidth(byte bits) =>
        AssertSame(CacheDriver.SmallGeometry(headDim: 64, dtype: ScalarType.BFloat16), new UniformPolicy(bits), 64, TailData.Usual);

    [Theory]
    [InlineData(1.44, 0.79)]
    [InlineData(0, 0)]
    public void ADevicesPage_IsTheCpusToTheLastBit_UnderThresholds(double fullPrecision, double fourBit) =>
        AssertSame(CacheDriver.SmallGeometry(headDim: 80, dtype: ScalarType.Float16), new ThresholdPolicy(fullPrecision, fourBit), 40, TailData.Constant);

    [Theory]
    [InlineData(float.NaN, true)]
    [InlineData(float.PositiveInfinity, true)]
    [InlineData(float.NegativeInfinity, false)]
    public void AnElementThatIsNotFinite_IsRefusedByNameAndNoPageIsLeft(float element, bool hasBudget)
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        using var tail = new SealedTail(
            CacheDriver.SmallGeometry(headDim: 64, dtype: hasBudget ? ScalarType.Float32 : ScalarType.BFloat16),
            hasBudget ? new BudgetPolicy(3.1) : new UniformPolicy(8),
            64,
            TailData.Usual);
        tail.Tail[1, 1, 0, 5, 7] = element;
        ArithmeticException refusal = Assert.Throws<ArithmeticException>(() => tail.ByDevice(firstToken: 160));
        Assert.Contains("Layer 1, KV head 0: channel 7 of the value at position 165", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, tail.LivePageCount);
    }

    private static void AssertSame(CacheGeometry geometry, ICachePolicy policy, int valueGroup, TailData data, bool hasEnergies = true)
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        using var tail = new SealedTail(geometry, policy, valueGroup, data, hasEnergies);
        (byte[] bytes, PageContents contents) = tail.ByCpu();
        (byte[] deviceBytes, PageContents deviceContents) = tail.ByDevice();
        Assert.Equal(contents, deviceContents);
        Assert.Equal(bytes, deviceBytes);
    }
}
