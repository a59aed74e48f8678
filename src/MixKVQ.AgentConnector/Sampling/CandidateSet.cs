using System.Numerics;
using System.Numerics.Tensors;

namespace MixKVQ.AgentConnector.Sampling;

/// <summary>
/// The tokens that may still be drawn: ids, scores and weights (e^score) in buffers that are kept from token to token.
/// Scores are logits less the highest one, over the temperature: at most 0, and 0 for the most probable token.
/// Nothing is sorted: a vocabulary is cut to the few tokens near the top by one vectorized scan, and those are split by
/// quickselect over the total order (higher score first, then lower id). Not thread-safe.
/// </summary>
internal sealed class CandidateSet
{
    // Distances below the best token that are scanned in turn until enough candidates are found. Most logits of a large vocabulary
    // lie further down than the first or second.
    private static readonly float[] Cuts = [-4, -16, -64, -256, float.NegativeInfinity];

    private float[] _scores = [];
    private float[] _weights = [];
    private int[] _ids = [];

    /// <summary>How many candidates there are.</summary>
    public int Count { get; private set; }

    /// <summary>The candidates' ids, in no order that means anything.</summary>
    public ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    /// <summary>The candidates' unnormalized probabilities, in the order of <see cref="Ids"/>.</summary>
    public ReadOnlySpan<float> Weights => _weights.AsSpan(0, Count);

    /// <summary>e^score of every token, by id; overwrites the candidates' weights.</summary>
    public ReadOnlySpan<float> WeighAll(ReadOnlySpan<float> scores)
    {
        EnsureCapacity(scores.Length);
        Span<float> weights = _weights.AsSpan(0, scores.Length);
        TensorPrimitives.Exp(scores, weights);
        return weights;
    }

    /// <summary>Takes the <paramref name="count"/> best tokens of the vocabulary.</summary>
    public void TakeTop(ReadOnlySpan<float> scores, int count)
    {
        foreach (float cut in Cuts)
        {
            Gather(scores, cut);
            if (Count >= count)
            {
                break;
            }
        }

        Count = SplitBest(count, byWeight: false);
        Weigh();
    }

    /// <summary>
    /// Takes the fewest best tokens of the vocabulary that hold <paramref name="share"/> of its probability, less those whose score is
    /// below <paramref name="floor"/>.
    /// </summary>
    public void TakeNucleus(ReadOnlySpan<float> scores, float share, float floor)
    {
        double target = share * (double)TensorPrimitives.Sum(WeighAll(scores));
        foreach (float cut in Cuts)
        {
            Gather(scores, Math.Max(cut, floor));
            Weigh();
            if (cut <= floor || TensorPrimitives.Sum(Weights) >= target)
            {
                break;
            }
        }

        Count = SplitBest(target, byWeight: true);
    }

    /// <summary>Takes every token whose score is at least <paramref name="floor"/>.</summary>
    public void TakeAbove(ReadOnlySpan<float> scores, float floor)
    {
        Gather(scores, floor);
        Weigh();
    }

    /// <summary>Of the candidates, keeps the fewest best that hold <paramref name="share"/> of their probability.</summary>
    public void KeepNucleus(float share) =>
        Count = SplitBest(share * (double)TensorPrimitives.Sum(Weights), byWeight: true);

    /// <summary>Of the candidates, keeps those whose score is at least <paramref name="floor"/>.</summary>
    public void KeepAbove(float floor)
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            if (_scores[i] >= floor)
            {
                Swap(kept++, i);
            }
        }

        Count = kept;
    }

    private void Weigh() => TensorPrimitives.Exp(_scores.AsSpan(0, Count), _weights.AsSpan(0, Count));

    private void Gather(ReadOnlySpan<float> scores, float cut)
    {
        EnsureCapacity(scores.Length);
        Vector<float> cuts = new(cut);
        int count = 0;
        int start = 0;
        for (; start <= scores.Length - Vector<float>.Count; start += Vector<float>.Count)
        {
            if (Vector.GreaterThanOrEqualAny(new Vector<float>(scores[start..]), cuts))
            {
                count = GatherRange(scores, start, start + Vector<float>.Count, cut, count);
            }
        }

        Count = GatherRange(scores, start, scores.Length, cut, count);
    }

    private int GatherRange(ReadOnlySpan<float> scores, int start, int end, float cut, int count)
    {
        for (int id = start; id < end; id++)
        {
            if (scores[id] >= cut)
            {
                _scores[count] = scores[id];
                _ids[count++] = id;
            }
        }

        return count;
    }

    /// <summary>
    /// Moves the fewest best candidates whose weights (or number) reach <paramref name="target"/> to the front and returns how many
    /// they are: at least one, and all if they fall short.
    /// </summary>
    private int SplitBest(double target, bool byWeight)
    {
        int start = 0;
        int end = Count;
        double before = 0;
        while (start < end)
        {
            int pivot = Partition(start, end);
            double better = before + (byWeight ? TensorPrimitives.Sum(_weights.AsSpan(start, pivot - start)) : pivot - start);
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

    private void EnsureCapacity(int count)
    {
        if (_scores.Length < count)
        {
            _scores = new float[count];
            _weights = new float[count];
            _ids = new int[count];
        }
    }
}
