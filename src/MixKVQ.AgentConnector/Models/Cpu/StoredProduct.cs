using MixKVQ.AgentConnector.Threading;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>y = W·x + b.</summary>
internal sealed unsafe class StoredProduct(WorkerTeam team) : ProductJob(team)
{
    /// <inheritdoc/>
    protected override void Execute(int first, int count, int worker) => Matrix.Multiply(first, count, X, XStride, Y + first, YStride, Vectors);
}
