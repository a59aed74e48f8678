using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Sampling;

/// <summary>
/// Lowers the logits of tokens that were seen before: first the repetition penalty, over prompt and output, as in Hugging Face's
/// RepetitionPenaltyLogitsProcessor (CTRL, arXiv 1909.05858); then frequency and presence, over the output only, as in OpenAI's API.
/// </summary>
internal sealed class TokenPenalties
{
    private readonly SamplingOptions _options;

    // Token id to the number of times it is in the output; 0 for tokens of the prompt alone.
    private readonly Dictionary<int, int> _outputCounts = [];

    public TokenPenalties(SamplingOptions options) => _options = options;

    private bool CountsPrompt => _options.RepetitionPenalty != 1;

    private bool CountsOutput => CountsPrompt || _options.PresencePenalty != 0 || _options.FrequencyPenalty != 0;

    public void AddPrompt(ReadOnlySpan<int> tokens)
    {
        if (CountsPrompt)
        {
            foreach (int token in tokens)
            {
                _outputCounts.TryAdd(token, 0);
            }
        }
    }

    public void AddOutput(int token)
    {
        if (CountsOutput)
        {
            CollectionsMarshal.GetValueRefOrAddDefault(_outputCounts, token, out _)++;
        }
    }

    /// <summary>Mutates <paramref name="logits"/>; ids outside it are passed over.</summary>
    public void Apply(Span<float> logits)
    {
        foreach ((int token, int count) in _outputCounts)
        {
            if ((uint)token >= (uint)logits.Length)
            {
                continue;
            }

            float logit = logits[token];
            logit = logit < 0 ? logit * _options.RepetitionPenalty : logit / _options.RepetitionPenalty;
            if (count > 0)
            {
                logit -= (_options.FrequencyPenalty * count) + _options.PresencePenalty;
            }

            logits[token] = logit;
        }
    }
}
