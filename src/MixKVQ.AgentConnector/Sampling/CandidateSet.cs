using System.Numerics;
using System.Numerics.Tensors;

namespace MixKVQ.AgentConnector.Sampling;

/// <summary>
/// The tokens that may still be drawn: ids, scores and weights (e^score) in buffers that are kept from token to token.
/// Scores are logits less the highest one, over the temperature: at most 0, and 0 for the most probable token.
/// Nothing is sorted: a vocabulary is cut to the few tokens near the top by a vectorized scan, and those are split by quickselect.
/// Not thread-safe.
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

        Count = Split().TakeCount(count);
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

        Count = Split().TakeWeight(target);
    }

    /// <summary>Takes every token whose score is at least <paramref name="floor"/>.</summary>
    public void TakeAbove(ReadOnlySpan<float> scores, float floor)
    {
        Gather(scores, floor);
        Weigh();
    }

    /// <summary>Of the candidates, keeps the fewest best that hold <paramref name="share"/> of their probability.</summary>
    public void KeepNucleus(float share) =>
        Count = Split().TakeWeight(share * (double)TensorPrimitives.Sum(Weights));

    /// <summary>Of the candidates, keeps those whose score is at least <paramref name="floor"/>.</summary>
    public void KeepAbove(float floor)
    {
        int kept = 0;
        for (int i = 0; i < Count; i++)
        {
            if (_scores[i] >= floor)
            {
                _scores[kept] = _scores[i];
                _weights[kept] = _weights[i];
                _ids[kept++] = _ids[i];
            }
        }

        Count = kept;
    }

    private CandidateSplit Split() => new(_scores.AsSpan(0, Count), _weights.AsSpan(0, Count), _ids.AsSpan(0, Count));

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
