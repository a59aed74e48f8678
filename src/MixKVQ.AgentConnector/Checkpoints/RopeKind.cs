namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>How rotary frequencies are stretched beyond the context a model was pretrained on.</summary>
internal enum RopeKind
{
    /// <summary>Plain rotary embedding (Su et al., arXiv 2104.09864).</summary>
    Default,

    /// <summary>Position interpolation: every frequency divided by the factor (arXiv 2306.15595).</summary>
    Linear,

    /// <summary>NTK-aware base, growing with the position once that exceeds the pretrained context.</summary>
    Dynamic,

    /// <summary>Llama 3.1's split by wavelength into kept, divided and blended frequencies.</summary>
    Llama3,

    /// <summary>YaRN: blend by rotation count, and an attention factor on cosine and sine (arXiv 2309.00071).</summary>
    Yarn,
}
