using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Cuda;
using MixKVQ.AgentConnector.Cache.Precision;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Cache.Cuda;

public sealed class DeviceQueryStatisticsTests
{
    private readonly CacheGeometry _geometry = CacheDriver.SmallGeometry(layers: 2, queryHeads: 6, headDim: 40);
    private readonly QueryStatisticsKernels _kernels;

    public DeviceQueryStatisticsTests()
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        _kernels = new QueryStatisticsKernels(new EmulatedDevice());
    }

    [Theory]
    [InlineData(ScalarType.Float32, true)]
    [InlineData(ScalarType.BFloat16, true)]
    [InlineData(ScalarType.Float16, false)]
    public void Sums_AreThoseOfTheHostHoweverTokensCome(ScalarType dtype, bool hasResidual)
    {
        using var host = new QueryStatistics(_geometry);
        using var device = new DeviceQueryStatistics(_geometry, _kernels);
        using var scope = NewDisposeScope();
        foreach (int tokens in new[] { 70, 1, 40 })
        {
            for (int layer = 0; layer < _geometry.LayerCount; layer++)
            {
                Tensor queries = randn(tokens, 6, 40).to(dtype);
                Tensor? residual = hasResidual ? randn(tokens, 52).to(dtype) : null;
                host.Add(layer, queries, residual, tokens / 20);
                device.Add(layer, queries, residual, tokens / 20);
            }
        }

        float[] row = [.. Enumerable.Range(0, 240).Select(i => i - 99.5f)];
        host.Add(1, row, row);
        device.Add(1, row, row);
        (byte[] expected, byte[] actual) = (Written(host), Written(device));
        int sums = 2 * 240 * sizeof(double);
        Assert.Equal(expected[..sums], actual[..sums]);
        for (int layer = 0; layer < 2; layer++)
        {
            double energy = BitConverter.ToDouble(expected, sums + (layer * sizeof(double)));
            Assert.Equal(energy, BitConverter.ToDouble(actual, sums + (layer * sizeof(double))), energy * 1e-12);
        }

        Assert.Equal(expected[(sums + (2 * sizeof(double)))..], actual[(sums + (2 * sizeof(double)))..]);
    }

    [Fact]
    public void WhatIsWritten_IsReadByEitherKindAndForgottenByAReset()
    {
        using var device = new DeviceQueryStatistics(_geometry, _kernels);
        device.Count(3);
        using (Tensor queries = ones(3, 6, 40))
        {
            device.Add(0, queries, null, 3);
        }

        byte[] written = Written(device);
        using DeviceQueryStatistics read = DeviceQueryStatistics.Read(_geometry, _kernels, written, 3);
        Assert.Equal((3, 3), (read.TokenCount, read.EnergyTokenCount));
        Assert.Equal(written, Written(read));
        Assert.Equal(written, Written(QueryStatistics.Read(_geometry, written, 3)));
        using IQueryStatistics copy = read.Copy();
        read.Reset();
        Assert.Equal(written, Written(copy));
        Assert.All(Written(read), bytes => Assert.Equal(0, bytes));
        Assert.Throws<InvalidDataException>(() => DeviceQueryStatistics.Read(_geometry, _kernels, written, 4));
    }

    private static byte[] Written(IQueryStatistics statistics)
    {
        byte[] written = new byte[statistics.Bytes];
        statistics.Write(written);
        return written;
    }
}
