using System.Numerics.Tensors;

namespace MixKVQ.AgentConnector.Sampling;

/// <summary>
/// Brings the best of some candidates to the front by quickselect over a total order: higher score first, then lower id.
/// The three spans are parallel, borrowed and reordered together.
/// </summary>
internal readonly ref struct CandidateSplit(Span<float> scores, Span<float> weights, Span<int> ids)
{
    private readonly Span<float> _scores = scores;
    private readonly Span<float> _weights = weights;
    private readonly Span<int> _ids = ids;

    /// <summary>Moves the <paramref name="count"/> best to the front and returns how many they are, at least one.</summary>
    public int TakeCount(int count) => Take(count, byWeight: false);

    /// <summary>
    /// Moves the fewest best whose weights reach <paramref name="target"/> to the front and returns how many they are: at least one,
    /// and all if they fall short.
    /// </summary>
    public int TakeWeight(double target) => Take(target, byWeight: true);

    private int Take(double target, bool byWeight)
    {
        int start = 0;
        int end = _ids.Length;
        double before = 0;
        while (start < end)
        {
            int pivot = Partition(start, end);
            double better = before + (byWeight ? TensorPrimitives.Sum(_weights.Slice(start, pivot - start)) : pivot - start);
            double withPivot = better + (byWeight ? _weights[pivot] : 1);
            if (better >= target)
            {
                end = pivot;
            }
            else if (withPivot >= target)
            {
                return pivot + 1;
            }
            else
            {
                before = withPivot;
                start = pivot + 1;
            }
        }

        return Math.Max(1, start);
    }

    /// <summary>Splits [start, end) at one of its candidates: better ones before it, worse ones after it. Returns its place.</summary>
    private int Partition(int start, int end)
    {
        int last = end - 1;
        int middle = start + ((end - start) / 2);
        int median = IsBetter(start, middle)
            ? (IsBetter(middle, last) ? middle : IsBetter(start, last) ? last : start)
            : (IsBetter(start, last) ? start : IsBetter(middle, last) ? last : middle);
        Swap(median, last);
        int place = start;
        for (int i = start; i < last; i++)
        {
            if (IsBetter(i, last))
            {
                Swap(place++, i);
            }
        }

        Swap(place, last);
        return place;
    }

    private bool IsBetter(int left, int right) =>
        _scores[left] > _scores[right] || (_scores[left] == _scores[right] && _ids[left] < _ids[right]);

    private void Swap(int left, int right)
    {
        (_scores[left], _scores[right]) = (_scores[right], _scores[left]);
        (_weights[left], _weights[right]) = (_weights[right], _weights[left]);
        (_ids[left], _ids[right]) = (_ids[right], _ids[left]);
    }
}
