using System.Numerics.Tensors;

namespace MixKVQ.AgentConnector.Sampling;

/// <summary>
/// Chooses one generation's tokens: penalties and biases, then temperature, top-k, top-p and min-p, each over what the one before it left, in the
/// order of Hugging Face's generation (transformers, GenerationMixin._get_logits_processor). Nothing is allocated per token, except
/// where a penalty meets a token for the first time or likelihoods are reported. Not thread-safe.
/// </summary>
internal sealed class TokenSampler
{
    // Weights are summed in blocks, so that a draw from a large vocabulary adds up one block element by element, not half the vocabulary.
    private const int BlockLength = 1024;

    private readonly SamplingOptions _options;
    private readonly CandidateSet _candidates;
    private readonly TokenPenalties _penalties;
    private readonly ITokenGuide? _guide;
    private readonly LikelihoodReport? _report;
    private readonly Xoshiro256 _random;

    /// <param name="options">Valid options.</param>
    /// <param name="candidates">Buffers that may be shared with samplers that never run at the same time; null: own ones.</param>
    /// <param name="guide">Bars tokens; null bars none. Borrowed.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public TokenSampler(SamplingOptions options, CandidateSet? candidates = null, ITokenGuide? guide = null)
    {
        if (options.FindFaults() is { Count: > 0 } faults)
        {
            throw new ArgumentException(string.Join(" ", faults), nameof(options));
        }

        _options = options;
        _candidates = candidates ?? new CandidateSet();
        _penalties = new TokenPenalties(options);
        _guide = guide;
        _report = options.ReportedAlternatives is { } alternatives ? new LikelihoodReport(alternatives, _candidates) : null;
        _random = new Xoshiro256(options.Seed ?? Random.Shared.NextInt64());
    }

    /// <summary>The likelihood of the token last chosen; null where the options ask for none.</summary>
    public TokenLikelihood? LastLikelihood { get; private set; }

    /// <summary>Tells the repetition penalty of tokens that precede the output.</summary>
    public void AddPrompt(ReadOnlySpan<int> tokens) => _penalties.AddPrompt(tokens);

    /// <summary>Chooses the next token and counts it as output.</summary>
    /// <param name="logits">[vocabulary]; mutated.</param>
    /// <returns>The token's id. Greedy takes the lowest id among equals.</returns>
    /// <exception cref="InvalidDataException">The logits hold NaN or positive infinity, or nothing but negative infinity.</exception>
    public int Sample(Span<float> logits)
    {
        _report?.Read(logits);
        _penalties.Apply(logits);
        foreach (TokenBias bias in _options.Biases)
        {
            if ((uint)bias.TokenId < (uint)logits.Length)
            {
                logits[bias.TokenId] += bias.Bias;
            }
        }

        _guide?.Restrict(logits);
        int best = TensorPrimitives.IndexOfMax((ReadOnlySpan<float>)logits);
        float highest = best < 0 ? float.NaN : logits[best];
        if (!float.IsFinite(highest))
        {
            throw new InvalidDataException(
                $"No token can be chosen: the highest of {logits.Length} logits is {highest}. The model's weights or its cache hold values that are not finite.");
        }

        int token = _options.Temperature == 0 ? best : Draw(logits, highest);
        _penalties.AddOutput(token);
        _guide?.Accept(token);
        LastLikelihood = _report?.Of(token);
        return token;
    }

    private int Draw(Span<float> scores, float highest)
    {
        TensorPrimitives.Subtract(scores, highest, scores);
        TensorPrimitives.Divide(scores, _options.Temperature, scores);
        float floor = MathF.Log(_options.MinP);
        if (_options.TopK > 0 && _options.TopK < scores.Length)
        {
            _candidates.TakeTop(scores, _options.TopK);
            if (_options.TopP < 1)
            {
                _candidates.KeepNucleus(_options.TopP);
            }

            _candidates.KeepAbove(floor);
        }
        else if (_options.TopP < 1)
        {
            _candidates.TakeNucleus(scores, _options.TopP, floor);
        }
        else if (_options.MinP > 0)
        {
            _candidates.TakeAbove(scores, floor);
        }
        else
        {
            return DrawIndex(_candidates.WeighAll(scores));
        }

        return _candidates.Ids[DrawIndex(_candidates.Weights)];
    }

    /// <summary>Draws a place with a probability in proportion to its weight; at least one weight is above 0.</summary>
    private int DrawIndex(ReadOnlySpan<float> weights)
    {
        double total = 0;
        for (int start = 0; start < weights.Length; start += BlockLength)
        {
            total += SumBlock(weights, start);
        }

        double remaining = _random.NextDouble() * total;
        int drawn = 0;
        for (int start = 0; start < weights.Length; start += BlockLength)
        {
            double sum = SumBlock(weights, start);
            if (sum > 0)
            {
                // Rounding may leave more than the last block holds: then the draw is from the last block that holds any weight.
                drawn = start;
                if (remaining < sum)
                {
                    break;
                }

                remaining -= sum;
            }
        }

        int place = drawn;
        for (int i = drawn; i < Math.Min(drawn + BlockLength, weights.Length); i++)
        {
            if (weights[i] > 0)
            {
                place = i;
                remaining -= weights[i];
                if (remaining < 0)
                {
                    break;
                }
            }
        }

        return place;
    }

    private static double SumBlock(ReadOnlySpan<float> weights, int start) =>
        TensorPrimitives.Sum(weights.Slice(start, Math.Min(BlockLength, weights.Length - start)));
}
