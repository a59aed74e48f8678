namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Rotary embedding parameters, defaults resolved; members that a kind does not use keep their defaults.</summary>
/// <param name="Kind">The frequency rule.</param>
/// <param name="Theta">The base of the frequencies: frequency i is Theta^(-2i / head_dim).</param>
internal sealed record RopeParameters(RopeKind Kind, double Theta)
{
    /// <summary>Ratio of the stretched to the pretrained context.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>Pretrained context in tokens.</summary>
    public int OriginalMaxPositionCount { get; init; }

    /// <summary>Llama 3: wavelengths above OriginalMaxPositionCount / this are divided by the factor.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama 3: wavelengths below OriginalMaxPositionCount / this are kept.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>YaRN: frequencies that turn more often than this over the pretrained context are kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>YaRN: frequencies that turn less often than this over the pretrained context are divided by the factor.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>YaRN: whether the blend's borders are rounded to whole channels.</summary>
    public bool TruncateBlend { get; init; } = true;

    /// <summary>Multiplies cosine and sine; 1 for every kind but YaRN.</summary>
    public double AttentionFactor { get; init; } = 1;
}
