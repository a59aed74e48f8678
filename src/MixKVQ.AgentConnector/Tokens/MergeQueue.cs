namespace MixKVQ.AgentConnector.Tokens;

/// <summary>
/// Positions of mergeable pairs, by rank and then position. Pairs of one rank share a list, which mostly grows in order,
/// so that a megabyte of one letter costs no heap of a million entries.
/// </summary>
internal sealed class MergeQueue
{
    private readonly Dictionary<int, Bucket> _buckets = [];
    private readonly PriorityQueue<Bucket, int> _ranks = new();

    public void Enqueue(int rank, int position)
    {
        if (!_buckets.TryGetValue(rank, out Bucket? bucket))
        {
            _buckets.Add(rank, bucket = new Bucket());
            _ranks.Enqueue(bucket, rank);
        }

        bucket.Add(position);
    }

    public bool TryDequeue(out int rank, out int position)
    {
        while (_ranks.TryPeek(out Bucket? bucket, out rank))
        {
            if (bucket.TryTake(out position))
            {
                return true;
            }

            _ranks.Dequeue();
            _buckets.Remove(rank);
        }

        rank = position = -1;
        return false;
    }

    private sealed class Bucket
    {
        private readonly List<int> _positions = [];
        private int _taken;
        private bool _isSorted = true;

        public void Add(int position)
        {
            _isSorted &= _taken == _positions.Count || _positions[^1] <= position;
            _positions.Add(position);
        }

        public bool TryTake(out int position)
        {
            if (!_isSorted)
            {
                _positions.Sort(_taken, _positions.Count - _taken, null);
                _isSorted = true;
            }

            bool exists = _taken < _positions.Count;
            position = exists ? _positions[_taken++] : -1;
            return exists;
        }
    }
}
