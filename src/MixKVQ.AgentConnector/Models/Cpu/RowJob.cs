using MixKVQ.AgentConnector.Threading;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>Something done row by row, for work outside decode steps.</summary>
/// <param name="doRow">Does a row on a worker.</param>
internal sealed class RowJob(Action<int, int> doRow) : ITeamJob
{
    private const int RowsPerItem = 16;

    private int _rows;

    /// <summary>Does the rows from 0 on.</summary>
    public void Run(WorkerTeam team, int rows)
    {
        _rows = rows;
        team.Run(this, (rows + RowsPerItem - 1) / RowsPerItem);
    }

    /// <inheritdoc/>
    public void Execute(int item, int worker)
    {
        int end = Math.Min(_rows, (item + 1) * RowsPerItem);
        for (int row = item * RowsPerItem; row < end; row++)
        {
            doRow(row, worker);
        }
    }
}
