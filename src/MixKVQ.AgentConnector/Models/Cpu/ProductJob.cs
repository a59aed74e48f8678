using MixKVQ.AgentConnector.Threading;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>
/// A matrix times some vectors, shared over a team in items of rows. How rows divide depends on the matrix alone, so that no result depends on the
/// threads or the batch. One product at a time.
/// </summary>
/// <param name="team">Borrowed.</param>
internal abstract unsafe class ProductJob(WorkerTeam team) : ITeamJob
{
    // Small, so that a thread that is late holds up little; large against the microsecond that an item costs to hand out.
    private const int ItemBytes = 64 << 10;

    private int _rowsPerItem;

    /// <summary>The matrix.</summary>
    protected WeightMatrix Matrix { get; private set; } = null!;

    /// <summary>The vectors.</summary>
    protected float* X { get; private set; }

    /// <summary>Floats from one vector to the next.</summary>
    protected int XStride { get; private set; }

    /// <summary>Receives the results.</summary>
    protected float* Y { get; private set; }

    /// <summary>Floats from one vector's results to the next one's.</summary>
    protected int YStride { get; private set; }

    /// <summary>How many vectors.</summary>
    protected int Vectors { get; private set; }

    /// <summary>How many results a vector has.</summary>
    protected int Results { get; private set; }

    /// <summary>Computes the first results of each vector.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="x">A row for each vector.</param>
    /// <param name="y">A row for each vector's results.</param>
    /// <param name="vectors">How many.</param>
    /// <param name="results">How many results of a vector are wanted.</param>
    public void Run(WeightMatrix matrix, FloatRows x, FloatRows y, int vectors, int results)
    {
        Matrix = matrix;
        X = x[0];
        Y = y[0];
        (XStride, YStride, Vectors, Results) = (x.Stride, y.Stride, vectors, results);
        _rowsPerItem = Math.Max(8, ItemBytes / matrix.RowBytes / 8 * 8);
        Prepare(_rowsPerItem, vectors);
        team.Run(this, (results + _rowsPerItem - 1) / _rowsPerItem);
    }

    /// <inheritdoc/>
    public void Execute(int item, int worker)
    {
        int first = item * _rowsPerItem;
        Execute(first, Math.Min(_rowsPerItem, Results - first), worker);
    }

    /// <summary>Makes room before a run.</summary>
    protected virtual void Prepare(int rowsPerItem, int vectors)
    {
    }

    /// <summary>Computes some results of all vectors.</summary>
    protected abstract void Execute(int first, int count, int worker);
}
