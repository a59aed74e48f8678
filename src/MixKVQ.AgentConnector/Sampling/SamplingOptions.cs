using System.Collections.Immutable;

namespace MixKVQ.AgentConnector.Sampling;

/// <summary>How a token is chosen from the logits. The defaults draw from the model's own distribution.</summary>
internal sealed record SamplingOptions
{
    /// <summary>The most alternatives that are reported with a token, as in OpenAI's API.</summary>
    public const int MaxReportedAlternatives = 20;

    /// <summary>Always the most probable token.</summary>
    public static SamplingOptions Greedy { get; } = new() { Temperature = 0 };

    /// <summary>Divides the logits; 0 is greedy.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Keeps this many of the most probable tokens; 0 keeps all.</summary>
    public int TopK { get; init; }

    /// <summary>Keeps the fewest most probable tokens whose probabilities sum to at least this; 1 keeps all, 0 keeps one.</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Keeps tokens at least this many times as probable as the most probable one; 0 keeps all.</summary>
    public float MinP { get; init; }

    /// <summary>Divides the positive and multiplies the negative logits of every token in prompt or output; 1 is none.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted once from the logit of each token already in the output.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted from the logit of a token once for each time it is in the output.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Added to logits after the penalties; each id once at most, those outside the vocabulary do nothing.</summary>
    public ImmutableArray<TokenBias> Biases { get; init; } = [];

    /// <summary>
    /// How many of the most probable tokens are reported with each token, from 0 (the token's own log-probability alone) to
    /// <see cref="MaxReportedAlternatives"/>; null reports nothing.
    /// </summary>
    public int? ReportedAlternatives { get; init; }

    /// <summary>The same seed, prompt and options give the same tokens; null draws a seed.</summary>
    public long? Seed { get; init; }

    /// <summary>Every setting out of its range, with its value and the range; empty if all are valid.</summary>
    public IReadOnlyList<string> FindFaults()
    {
        List<string> faults = [];
        Check(float.IsFinite(Temperature) && Temperature >= 0, nameof(Temperature), Temperature, "finite and at least 0");
        Check(TopK >= 0, nameof(TopK), TopK, "at least 0 (0 keeps all tokens)");
        Check(TopP is >= 0 and <= 1, nameof(TopP), TopP, "from 0 to 1");
        Check(MinP is >= 0 and <= 1, nameof(MinP), MinP, "from 0 to 1");
        Check(float.IsFinite(RepetitionPenalty) && RepetitionPenalty > 0, nameof(RepetitionPenalty), RepetitionPenalty, "finite and above 0 (1 is none)");
        Check(float.IsFinite(PresencePenalty), nameof(PresencePenalty), PresencePenalty, "finite");
        Check(float.IsFinite(FrequencyPenalty), nameof(FrequencyPenalty), FrequencyPenalty, "finite");
        Check(Biases.All(bias => float.IsFinite(bias.Bias)), nameof(Biases), "not finite in part", "finite");
        Check(ReportedAlternatives is null or (>= 0 and <= MaxReportedAlternatives), nameof(ReportedAlternatives), ReportedAlternatives ?? 0, $"from 0 to {MaxReportedAlternatives}");
        return faults;

        void Check(bool valid, string name, object value, string range)
        {
            if (!valid)
            {
                faults.Add($"{name} is {value}; it must be {range}.");
            }
        }
    }
}
