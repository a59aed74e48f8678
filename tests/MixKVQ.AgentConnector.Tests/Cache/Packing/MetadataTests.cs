using CsCheck;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Tests.Cache.Packing;

public sealed class MetadataTests
{
    [Theory]
    [InlineData(1, 0.0443)]
    [InlineData(2, 0.0079)]
    public void AScaleCode_IsAtLeastItsScaleAndNearIt(int bytes, double mostExcess)
    {
        Gen.Select(Gen.Double[-11, 0], Gen.Double[-30, 30]).Sample((ratio, level) =>
        {
            float unit = (float)Math.Pow(10, level);
            float scale = (float)(unit * Math.Exp(ratio));
            float atLeast = ScaleCode.Decode(ScaleCode.AtLeast(scale, unit, bytes), unit, bytes);
            Assert.InRange(atLeast / (double)scale, 1, 1 + mostExcess);
            float nearest = ScaleCode.Decode(ScaleCode.Nearest(scale, unit, bytes), unit, bytes);
            Assert.InRange(nearest / (double)scale, 1 / (1 + mostExcess), 1 + mostExcess);
        });
    }

    [Fact]
    public void AScaleFarBelowTheUnit_IsHeldAtTheSmallestCode()
    {
        Assert.Equal(0, ScaleCode.AtLeast(0, 1, 1));
        Assert.Equal(1, ScaleCode.AtLeast(1e-20f, 1, 1));
        Assert.True(ScaleCode.Decode(1, 1, 1) < 2e-5f);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void AZeroCode_IsAtMostItsZeroAndWithinOneUnit(int bytes)
    {
        Gen.Float[-1e4f, 1e4f].Array[2, 20].Sample(zeros =>
        {
            ZeroGrid grid = ZeroGrid.Over(zeros.Min(), zeros.Max(), bytes);
            foreach (float zero in zeros)
            {
                float below = grid.Decode(grid.AtMost(zero));
                Assert.InRange(zero - below, 0, grid.Unit * 1.01f + 2e-3f);
                Assert.InRange(Math.Abs(zero - grid.Decode(grid.Nearest(zero))), 0, grid.Unit * 0.51f + 2e-3f);
            }
        });
    }

    [Fact]
    public void ZerosTakeTwoBytes_WhereOneOffsetDwarfsTheChannelsRanges()
    {
        Assert.Equal(1, ZeroGrid.BytesFor([-1, -2, -3, -2], [1, 2, 3, 2]));
        Assert.Equal(2, ZeroGrid.BytesFor([-1, -2, -300, -2], [1, 2, -290, 2]));
    }
}
