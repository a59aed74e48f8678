namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Reads rotary parameters in both spellings: <c>rope_theta</c> with <c>rope_scaling</c>, and <c>rope_parameters</c>.</summary>
internal static class RopeParametersReader
{
    private const int MaxPositions = 1 << 28;

    public static RopeParameters Read(ConfigFields config, int maxPositionCount)
    {
        ConfigFields? fields = config.Object("rope_parameters") ?? config.Object("rope_scaling");
        double theta = fields?.Number("rope_theta", 1, 1e12) ?? config.Number("rope_theta", 1, 1e12) ?? 10_000;
        var plain = new RopeParameters(RopeKind.Default, theta) { OriginalMaxPositionCount = maxPositionCount };

        double? rotated = fields?.Number("partial_rotary_factor", 0, 1) ?? config.Number("partial_rotary_factor", 0, 1);
        if (rotated is not null and not 1)
        {
            config.AddFault($"partial_rotary_factor {rotated} is not supported; only full rotation (1) is.");
        }

        string type = fields?.Text("rope_type") ?? fields?.Text("type") ?? "default";
        switch (type)
        {
            case "default":
                return plain;
            case "linear":
                return plain with { Kind = RopeKind.Linear, Factor = Factor(fields!) };
            case "dynamic":
                return plain with { Kind = RopeKind.Dynamic, Factor = Factor(fields!) };
            case "llama3":
                return ReadLlama3(fields!, plain);
            case "yarn":
                return ReadYarn(fields!, plain, maxPositionCount);
            default:
                config.AddFault($"RoPE type \"{type}\" is not supported; default, linear, dynamic, llama3 and yarn are.");
                return plain;
        }
    }

    private static RopeParameters ReadLlama3(ConfigFields fields, RopeParameters plain)
    {
        double low = fields.Number("low_freq_factor", 1e-6, 1e6) ?? 1;
        double high = fields.Number("high_freq_factor", 1e-6, 1e6) ?? 4;
        if (high <= low)
        {
            fields.AddFault($"RoPE type llama3 needs high_freq_factor ({high}) above low_freq_factor ({low}).");
        }

        return plain with
        {
            Kind = RopeKind.Llama3,
            Factor = Factor(fields),
            LowFrequencyFactor = low,
            HighFrequencyFactor = high,
            OriginalMaxPositionCount = fields.RequiredCount("original_max_position_embeddings", 1, MaxPositions),
        };
    }

    private static RopeParameters ReadYarn(ConfigFields fields, RopeParameters plain, int maxPositionCount)
    {
        int original = fields.Count("original_max_position_embeddings", 1, MaxPositions) ?? maxPositionCount;
        double factor = fields.Has("factor") || original >= maxPositionCount ? Factor(fields) : (double)maxPositionCount / original;
        double mscale = fields.Number("mscale", 0, 1e6) ?? 0;
        double mscaleAllDim = fields.Number("mscale_all_dim", 0, 1e6) ?? 0;
        double attentionFactor = fields.Number("attention_factor", 1e-6, 1e6)
            ?? (mscale != 0 && mscaleAllDim != 0 ? Mscale(factor, mscale) / Mscale(factor, mscaleAllDim) : Mscale(factor, 1));
        return plain with
        {
            Kind = RopeKind.Yarn,
            Factor = factor,
            OriginalMaxPositionCount = original,
            BetaFast = fields.Number("beta_fast", 1e-6, 1e6) ?? 32,
            BetaSlow = fields.Number("beta_slow", 1e-6, 1e6) ?? 1,
            TruncateBlend = fields.Flag("truncate") ?? true,
            AttentionFactor = attentionFactor,
        };
    }

    private static double Factor(ConfigFields fields)
    {
        if (!fields.Has("factor"))
        {
            fields.AddFault("RoPE scaling needs a factor; it is missing.");
        }

        return fields.Number("factor", 1, 1e6) ?? 1;
    }

    // YaRN's temperature: arXiv 2309.00071, equation 22.
    private static double Mscale(double factor, double scale) => factor <= 1 ? 1 : (0.1 * scale * Math.Log(factor)) + 1;
}
