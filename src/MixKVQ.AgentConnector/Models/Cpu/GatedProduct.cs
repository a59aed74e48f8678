using MixKVQ.AgentConnector.Threading;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>y = silu(G·x + b) · (U·x + c), where the matrix stacks G on U.</summary>
internal sealed unsafe class GatedProduct(WorkerTeam team) : ProductJob(team)
{
    private readonly WorkerRows _products = new(team.Size);

    /// <inheritdoc/>
    protected override void Prepare(int rowsPerItem, int vectors) => _products.Reserve(2 * vectors, rowsPerItem);

    /// <inheritdoc/>
    protected override void Execute(int first, int count, int worker)
    {
        float* gates = _products.Of(worker);
        float* ups = gates + (Vectors * count);
        Matrix.Multiply(first, count, X, XStride, gates, count, Vectors);
        Matrix.Multiply(Results + first, count, X, XStride, ups, count, Vectors);
        for (int vector = 0; vector < Vectors; vector++)
        {
            int at = vector * count;
            PointwiseRows.Gate(
                new ReadOnlySpan<float>(gates + at, count), new ReadOnlySpan<float>(ups + at, count), new Span<float>(Y + ((nint)vector * YStride) + first, count));
        }
    }
}
