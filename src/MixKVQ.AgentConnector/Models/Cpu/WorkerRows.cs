namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>Scratch memory of each of a team's workers.</summary>
/// <param name="workers">The team's size.</param>
internal sealed unsafe class WorkerRows(int workers)
{
    private FloatRows _rows = new(0);

    /// <summary>Makes room for as many floats a worker.</summary>
    public void Reserve(int rows, int width)
    {
        if (rows * width > _rows.Stride)
        {
            _rows = new FloatRows(rows * width);
            _rows.Reserve(workers);
        }
    }

    /// <summary>A worker's floats, of any content.</summary>
    public float* Of(int worker) => _rows[worker];
}
