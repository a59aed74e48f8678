using CsCheck;
using MixKVQ.AgentConnector.Cache.Precision;

namespace MixKVQ.AgentConnector.Tests.Cache.Precision;

public sealed class BlockMeasurementTests
{
    private static readonly Gen<(int HeadDim, int GroupLength, float[] Tokens)> Blocks =
        from groupEighths in Gen.Int[1, 4]
        from groups in Gen.Int[1, 3]
        from tokens in Gen.Int[1, 20]
        from offset in Gen.Float[-100, 100]
        from noise in Gen.Float[-1, 1].Array[tokens * groups * groupEighths * 8]
        select (groups * groupEighths * 8, groupEighths * 8, noise.Select(x => offset + x).ToArray());

    [Fact]
    public void Ranges_AreThoseOfChannelsAndOfTokensGroups() => Blocks.Sample((headDim, groupLength, tokens) =>
    {
        float[][] rows = [.. tokens.Chunk(headDim)];
        (float[] minima, float[] maxima) = (new float[headDim], new float[headDim]);
        BlockMeasurement.ChannelRanges(tokens, minima, maxima);
        Assert.Equal(Enumerable.Range(0, headDim).Select(channel => rows.Min(row => row[channel])), minima);
        Assert.Equal(Enumerable.Range(0, headDim).Select(channel => rows.Max(row => row[channel])), maxima);

        (minima, maxima) = (new float[headDim / groupLength * rows.Length], new float[headDim / groupLength * rows.Length]);
        BlockMeasurement.GroupRanges(tokens, headDim, groupLength, minima, maxima);
        float[][] groups = [.. Enumerable.Range(0, headDim / groupLength).SelectMany(group => rows.Select(row => row[(group * groupLength)..((group + 1) * groupLength)]))];
        Assert.Equal(groups.Select(group => group.Min()), minima);
        Assert.Equal(groups.Select(group => group.Max()), maxima);
    });

    [Fact]
    public void Variance_IsTheChannelsMean() => Blocks.Sample((headDim, _, tokens) =>
    {
        float[][] rows = [.. tokens.Chunk(headDim)];
        double expected = Enumerable.Range(0, headDim).Average(channel =>
        {
            double mean = rows.Average(row => (double)row[channel]);
            return rows.Average(row => Math.Pow(row[channel] - mean, 2));
        });
        Assert.Equal(expected, BlockMeasurement.Variance(tokens, headDim), 1e-5);
    });
}
