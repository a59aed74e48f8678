using System.Numerics.Tensors;

namespace MixKVQ.AgentConnector.Sampling;

/// <summary>
/// Log-probabilities of the model's own distribution: the softmax of its logits as they are, before penalties, biases, guides and
/// temperature. Not thread-safe.
/// </summary>
/// <param name="alternatives">How many of the most probable tokens are reported.</param>
/// <param name="candidates">Borrowed; overwritten by <see cref="Read"/>.</param>
internal sealed class LikelihoodReport(int alternatives, CandidateSet candidates)
{
    // Sums of more floats than this lose digits that a double keeps.
    private const int BlockLength = 1024;

    private readonly List<(int TokenId, float LogProbability)> _best = [];
    private float[] _scores = [];
    private float _logTotal;

    /// <summary>Takes the logits of the next token before anything changes them.</summary>
    /// <param name="logits">[vocabulary]; not kept and not changed.</param>
    public void Read(ReadOnlySpan<float> logits)
    {
        if (_scores.Length != logits.Length)
        {
            _scores = new float[logits.Length];
        }

        // Less the highest one, so that no exponential overflows and the total is at least 1.
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max(logits), _scores);
        ReadOnlySpan<float> weights = candidates.WeighAll(_scores);
        double total = 0;
        for (int start = 0; start < weights.Length; start += BlockLength)
        {
            total += TensorPrimitives.Sum(weights.Slice(start, Math.Min(BlockLength, weights.Length - start)));
        }

        _logTotal = (float)Math.Log(total);
        _best.Clear();
        if (alternatives > 0)
        {
            candidates.TakeTop(_scores, alternatives);
            foreach (int id in candidates.Ids)
            {
                _best.Add((id, _scores[id] - _logTotal));
            }

            _best.Sort(static (left, right) => left.LogProbability != right.LogProbability
                ? right.LogProbability.CompareTo(left.LogProbability)
                : left.TokenId.CompareTo(right.TokenId));
        }
    }

    /// <summary>What is to be said of <paramref name="token"/>, chosen from the logits last read.</summary>
    public TokenLikelihood Of(int token) => new(_scores[token] - _logTotal, [.. _best]);
}
