using MixKVQ.AgentConnector.Cache.Precision;
using MixKVQ.AgentConnector.Tests.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Cache.Precision;

public sealed class QueryStatisticsTests
{
    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Importance_IsTheMeanMagnitudeOverTokensAndTheGroupsHeads(ScalarType dtype)
    {
        var statistics = new QueryStatistics(CacheDriver.SmallGeometry(headDim: 8));
        using Tensor queries = randn(5, 4, 8).to(dtype);
        using Tensor residual = randn(5, 12).to(dtype);
        statistics.Add(1, queries, residual, 2);
        using var scope = NewDisposeScope();
        Tensor expected = queries.to(ScalarType.Float32).narrow(0, 2, 3).narrow(1, 2, 2).abs().mean([0, 1]);
        Assert.All(expected.data<float>().ToArray().Zip(statistics.Importance(1, 1)), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        Assert.Equal(AttentionCheck.ToArray(residual)[24..].Sum(x => x * x) / 3, statistics.Energy(0), 1e-3);
        Assert.Equal(statistics.Energy(0), statistics.Energy(1));
        Assert.All(statistics.Importance(0, 0), importance => Assert.Equal(0, importance));
    }

    [Fact]
    public void Add_LeavesTheCallersTensorsAlone()
    {
        var statistics = new QueryStatistics(CacheDriver.SmallGeometry(headDim: 8));
        using Tensor queries = ones(1, 4, 8);
        statistics.Add(0, queries, null, 0);
        statistics.Add(0, queries, null, 0);
        Assert.Equal(32, queries.sum().item<float>());
    }
}
