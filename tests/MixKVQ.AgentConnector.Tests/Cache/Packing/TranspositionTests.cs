using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Tests.Cache.Packing;

public sealed class TranspositionTests
{
    [Theory]
    [InlineData(8, 8)]
    [InlineData(128, 8)]
    [InlineData(128, 24)]
    [InlineData(16, 128)]
    public void RowsBecomeColumns(int rowCount, int columnCount)
    {
        float[] rows = [.. Enumerable.Range(0, rowCount * columnCount).Select(i => (float)i)];
        var columns = new float[rows.Length];
        Transposition.Transpose(rows, columnCount, columns);
        Assert.Equal(Enumerable.Range(0, rows.Length).Select(i => rows[i % rowCount * columnCount + i / rowCount]), columns);
    }
}
