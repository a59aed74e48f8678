using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>
/// What a policy knows of a page: its own tokens' keys, values and queries, nothing of later ones. A block is one layer's one KV head,
/// [layer * kvHeads + head]; its lines are its key channels, then for each group of value channels the tokens. Filled anew for each page.
/// </summary>
/// <param name="blockCount">Blocks of the page.</param>
/// <param name="keys">Layout of a block's keys.</param>
/// <param name="values">Layout of one group of a block's values.</param>
internal sealed class PageStatistics(int blockCount, MatrixLayout keys, MatrixLayout values)
{
    /// <summary>Blocks of the page.</summary>
    public int BlockCount => blockCount;

    /// <summary>Layout of a block's keys.</summary>
    public MatrixLayout Keys => keys;

    /// <summary>Layout of one group of a block's values.</summary>
    public MatrixLayout Values => values;

    /// <summary>Elements of a key or value vector.</summary>
    public int HeadDim => keys.LineCount;

    /// <summary>Groups of channels of a value vector.</summary>
    public int ValueGroupCount { get; } = keys.LineCount / values.LineLength;

    /// <summary>Lines of a block: key channels, then the values' tokens, group by group.</summary>
    public int LinesPerBlock { get; } = LineCount(1, keys, values);

    /// <summary>The smallest element of each line, [block, line].</summary>
    public float[] Minima { get; } = new float[LineCount(blockCount, keys, values)];

    /// <summary>The largest element of each line, [block, line].</summary>
    public float[] Maxima { get; } = new float[LineCount(blockCount, keys, values)];

    /// <summary>Bytes of a zero of the keys, [block]: 1 or 2, see <see cref="ZeroGrid"/>.</summary>
    public int[] KeyZeroBytes { get; } = new int[blockCount];

    /// <summary>I_d, the mean of |Q_d|, post-RoPE, over the page's tokens and the KV head's query heads: [block, headDim].</summary>
    public float[] QueryImportance { get; } = new float[blockCount * keys.LineCount];

    /// <summary>Variance of a value channel over the page's tokens, mean over channels: [block].</summary>
    public double[] ValueVariances { get; } = new double[blockCount];

    /// <summary>‖W_o block‖² / E‖x‖²: how much a unit of squared error of the head's output weighs in the residual stream x after the layer: [block].</summary>
    public double[] OutputWeights { get; } = new double[blockCount];

    /// <summary>A block's part of what there is of each line.</summary>
    public Span<T> LinesOf<T>(int block, Span<T> lines) => lines.Slice(block * LinesPerBlock, LinesPerBlock);

    /// <summary>Fills in what queries and the model's weights tell of the page.</summary>
    public void AddQueries(QueryStatistics statistics, CacheGeometry geometry)
    {
        for (int block = 0; block < blockCount; block++)
        {
            (int layer, int head) = Math.DivRem(block, geometry.KeyValueHeadCount);
            statistics.Importance(layer, head).CopyTo(QueryImportance, block * HeadDim);
            OutputWeights[block] = geometry.OutputWeight(block) / Math.Max(statistics.Energy(layer), double.Epsilon);
        }
    }

    private static int LineCount(int blockCount, MatrixLayout keys, MatrixLayout values) =>
        blockCount * (keys.LineCount + keys.LineCount / values.LineLength * values.LineCount);
}
