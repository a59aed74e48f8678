using CsCheck;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Precision;

namespace MixKVQ.AgentConnector.Tests.Cache.Precision;

public sealed class PolicyTests
{
    private static readonly MatrixLayout Keys = new(8, 16, new WidthPalette(2, 3, 4, 8), 1, ElementFormat.Float32);

    private static readonly MatrixLayout Values = new(16, 8, new WidthPalette(2, 3, 4, 8), 1, ElementFormat.Float32);

    private static readonly Gen<PageStatistics> Pages =
        from blocks in Gen.Int[1, 4]
        from ranges in Gen.Float[0, 6].Array[blocks * 24]
        from importance in Gen.Float[0, 3].Array[blocks * 8]
        from variances in Gen.Double[0, 2].Array[blocks]
        from weights in Gen.Double[0, 5].Array[blocks]
        select Page(ranges, importance, variances, weights);

    [Theory]
    [InlineData(0.5, 3, 2)]
    [InlineData(1, 3, 4)]
    [InlineData(1.5, 3, 16)]
    [InlineData(1.5, 0.3, 2)]
    [InlineData(0, 100, 2)]
    public void AChannelsWidth_FollowsItsSalience(float importance, float range, byte expected)
    {
        // Salience is importance · range / 3: 0.5, 1, 1.5, 0.15 and 0, against 1.44 and 0.79.
        var page = Page([range, .. new float[23]], [importance, .. new float[7]], [1], [1]);
        page.Minima[0] = -range / 2;
        page.Maxima[0] = range / 2;
        byte[] widths = new byte[24];
        new ThresholdPolicy(1.44, 0.79).Plan(page, long.MaxValue, widths);
        Assert.Equal([expected, .. Enumerable.Repeat((byte)2, 23)], widths);
    }

    [Fact]
    public void ABudget_IsNeverExceededAndLeavesNoRoomForAnyUsefulStep()
    {
        Gen.Select(Pages, Gen.Int[0, 400]).Sample((page, spare) =>
        {
            byte[] widths = Plan(page, spare);
            int spent = Bytes(page, widths) - Bytes(page, [.. Enumerable.Repeat((byte)2, widths.Length)]);
            Assert.InRange(spent, 0, spare);
            for (int line = 0; line < widths.Length; line++)
            {
                bool isKey = line % 24 < 8;
                double worth = page.OutputWeights[line / 24] * page.Maxima[line] * (isKey ? page.QueryImportance[line / 24 * 8 + line % 24] * page.ValueVariances[line / 24] : 1);
                if (widths[line] < 8 && worth > 0)
                {
                    byte[] wider = [.. widths];
                    wider[line] = Keys.Palette.Widths[Keys.Palette.Widths.IndexOf(widths[line]) + 1];
                    Assert.True(Bytes(page, wider) - Bytes(page, widths) > spare - spent, $"line {line} of {widths[line]} bits, {spare - spent} bytes left");
                }
            }
        });
    }

    [Fact]
    public void ABegunQuad_IsFilled()
    {
        Gen.Select(Pages, Gen.Int[0, 400]).Sample((page, spare) =>
        {
            Array.ForEach([page.Maxima, page.QueryImportance], numbers => numbers.AsSpan().Replace(0, 1));
            Array.ForEach([page.OutputWeights, page.ValueVariances], numbers => numbers.AsSpan().Replace(0, 1));
            byte[] widths = Plan(page, spare);
            foreach (WidthCounts counts in Counts(page, widths))
            {
                Assert.Equal(0, counts.Third % 4);
                Assert.True(counts.Fourth % 4 == 0 || counts.Fourth == counts.Third);
                Assert.True(counts.Eight % 4 == 0 || counts.Eight == counts.Fourth);
            }
        });
    }

    [Fact]
    public void WithinAHead_AWiderLineNeverMattersLess()
    {
        Gen.Select(Pages, Gen.Int[0, 400]).Sample((page, spare) =>
        {
            byte[] widths = Plan(page, spare);
            for (int block = 0; block < page.BlockCount; block++)
            {
                int first = block * 24;
                AssertOrdered(widths[first..(first + 8)], channel => page.QueryImportance[block * 8 + channel] * page.Maxima[first + channel]);
                AssertOrdered(widths[(first + 8)..(first + 24)], token => page.Maxima[first + 8 + token]);
            }
        });
    }

    [Fact]
    public void AHeadOfMoreWeight_GetsMoreBits()
    {
        float[] ones = [.. Enumerable.Repeat(1f, 48)];
        byte[] widths = Plan(Page(ones, ones[..16], [1, 1], [1, 30]), 32);
        Assert.All(widths[..24], width => Assert.Equal(2, width));
        Assert.True(widths[24..].Count(width => width > 2) >= 8);
    }

    [Fact]
    public void AUniformPlan_HasOneWidth()
    {
        byte[] widths = new byte[24];
        new UniformPolicy(3).Plan(Page(new float[24], new float[8], [1], [1]), long.MaxValue, widths);
        Assert.All(widths, width => Assert.Equal(3, width));
    }

    private static PageStatistics Page(float[] ranges, float[] importance, double[] variances, double[] weights)
    {
        var page = new PageStatistics(variances.Length, Keys, Values);
        ranges.CopyTo(page.Maxima, 0);
        importance.CopyTo(page.QueryImportance, 0);
        variances.CopyTo(page.ValueVariances, 0);
        weights.CopyTo(page.OutputWeights, 0);
        return page;
    }

    private static byte[] Plan(PageStatistics page, long spare)
    {
        byte[] widths = new byte[page.BlockCount * 24];
        new BudgetPolicy(2.5).Plan(page, spare, widths);
        return widths;
    }

    /// <summary>The matrices' counts, keys and values by turns.</summary>
    private static IEnumerable<WidthCounts> Counts(PageStatistics page, byte[] widths) =>
        Enumerable.Range(0, page.BlockCount).SelectMany(block => new[]
        {
            WidthCounts.Of(widths.AsSpan(24 * block, 8)),
            WidthCounts.Of(widths.AsSpan(24 * block + 8, 16)),
        });

    private static int Bytes(PageStatistics page, byte[] widths) =>
        Counts(page, widths).Select((counts, matrix) => (matrix % 2 == 0 ? Keys : Values).Offsets(counts, 1).End).Sum();

    private static void AssertOrdered(byte[] widths, Func<int, double> worth)
    {
        int[] byWorth = [.. Enumerable.Range(0, widths.Length).OrderBy(worth)];
        foreach ((int less, int more) in byWorth.Zip(byWorth.Skip(1)))
        {
            Assert.True(widths[more] >= widths[less] || worth(more) <= worth(less) * 1.0001, $"widths {string.Join(",", widths)}");
        }
    }
}
