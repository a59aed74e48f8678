using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>The attention of one conversation's chunk in one layer. Borrowed, all of it. A KV head's rows are its query heads within each token: row = token · group + member.</summary>
/// <param name="view">The layer's history, the chunk included.</param>
/// <param name="queries">[tokens, queryHeads, headDim], float32, contiguous.</param>
/// <param name="output">Like <paramref name="queries"/>; overwritten.</param>
/// <param name="tokens">Tokens of the chunk: the view's last.</param>
/// <param name="scale">What logits are multiplied by.</param>
internal readonly unsafe struct ChunkStep(CacheView view, float* queries, float* output, int tokens, float scale)
{
    public readonly CacheView View = view;
    public readonly DenseRows Sinks = new(view.Sinks, 0, view.Layout.Keys.Format, view.Layout.Geometry.HeadDim);
    public readonly DenseRows Tail = new(view.Tail, view.TailStart, view.Layout.Keys.Format, view.Layout.Geometry.HeadDim);
    public readonly float Scale = scale;

    /// <summary>Rows of each KV head.</summary>
    public readonly int Rows = tokens * view.Layout.Geometry.GroupSize;

    /// <summary>Tokens of the view that a row sees: those up to its own.</summary>
    public int VisibleTo(int row) => View.TokenCount - tokens + row / View.Layout.Geometry.GroupSize + 1;

    /// <summary>A row's query.</summary>
    public float* Query(int head, int row) => queries + Offset(head, row);

    /// <summary>Where a row's output goes.</summary>
    public float* Output(int head, int row) => output + Offset(head, row);

    private long Offset(int head, int row)
    {
        int group = View.Layout.Geometry.GroupSize;
        (int token, int member) = Math.DivRem(row, group);
        return ((long)token * View.Layout.Geometry.QueryHeadCount + head * group + member) * View.Layout.Geometry.HeadDim;
    }
}
