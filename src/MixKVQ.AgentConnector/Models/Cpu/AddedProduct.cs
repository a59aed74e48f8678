using MixKVQ.AgentConnector.Threading;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>y += W·x + b.</summary>
internal sealed unsafe class AddedProduct(WorkerTeam team) : ProductJob(team)
{
    private readonly WorkerRows _products = new(team.Size);

    /// <inheritdoc/>
    protected override void Prepare(int rowsPerItem, int vectors) => _products.Reserve(vectors, rowsPerItem);

    /// <inheritdoc/>
    protected override void Execute(int first, int count, int worker)
    {
        float* products = _products.Of(worker);
        Matrix.Multiply(first, count, X, XStride, products, count, Vectors);
        for (int vector = 0; vector < Vectors; vector++)
        {
            PointwiseRows.Add(new ReadOnlySpan<float>(products + (vector * count), count), new Span<float>(Y + ((nint)vector * YStride) + first, count));
        }
    }
}
