using System.Numerics;
using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Tests.Models;

/// <summary>
/// Rotary embedding in float64, written from the papers and the published definitions: arXiv 2104.09864 (plain),
/// 2306.15595 (linear), 2309.00071 (YaRN and NTK-aware bases), and Meta's Llama 3.1 reference. Shares nothing with src.
/// </summary>
internal sealed class Float64Rope(JsonObject config, int headDim)
{
    private readonly JsonObject? _scaling = (config["rope_parameters"] ?? config["rope_scaling"]) as JsonObject;

    /// <summary>Rotates a head, whose channels i and i + headDim / 2 are the parts of one complex number.</summary>
    public double[] Rotate(double[] head, int position)
    {
        double[] rotated = new double[headDim];
        double size = AttentionFactor();
        for (int pair = 0; pair < headDim / 2; pair++)
        {
            Complex turned = new Complex(head[pair], head[pair + (headDim / 2)]) * Complex.FromPolarCoordinates(size, position * Frequency(pair, position));
            rotated[pair] = turned.Real;
            rotated[pair + (headDim / 2)] = turned.Imaginary;
        }

        return rotated;
    }

    private string Kind => (string?)(_scaling?["rope_type"] ?? _scaling?["type"]) ?? "default";

    private double Theta => Number("rope_theta") ?? (double)config["rope_theta"]!;

    private double Frequency(int pair, int position)
    {
        double frequency = 1 / Math.Pow(Theta, 2.0 * pair / headDim);
        double factor = Number("factor") ?? 1;
        double pretrained = Number("original_max_position_embeddings") ?? (double)config["max_position_embeddings"]!;
        switch (Kind)
        {
            case "linear":
                return frequency / factor;
            case "dynamic":
                double length = Math.Max(position + 1, pretrained);
                double theta = Theta * Math.Pow((factor * length / pretrained) - factor + 1, headDim / (double)(headDim - 2));
                return 1 / Math.Pow(theta, 2.0 * pair / headDim);
            case "llama3":
                double wavelength = 2 * Math.PI / frequency;
                double low = Number("low_freq_factor")!.Value;
                double high = Number("high_freq_factor")!.Value;
                if (wavelength > pretrained / low)
                {
                    return frequency / factor;
                }

                if (wavelength < pretrained / high)
                {
                    return frequency;
                }

                double smooth = ((pretrained / wavelength) - low) / (high - low);
                return ((1 - smooth) * frequency / factor) + (smooth * frequency);
            case "yarn":
                double first = Dimension(Number("beta_fast") ?? 32);
                double last = Dimension(Number("beta_slow") ?? 1);
                if (_scaling?["truncate"]?.GetValue<bool>() != false)
                {
                    first = Math.Floor(first);
                    last = Math.Ceiling(last);
                }

                first = Math.Max(0, first);
                last = Math.Min(headDim - 1, last);
                double ramp = Math.Min(1, Math.Max(0, (pair - first) / (last - first)));
                return (ramp * frequency / factor) + ((1 - ramp) * frequency);
            default:
                return frequency;
        }

        double Dimension(double rotations) => headDim * Math.Log(pretrained / (rotations * 2 * Math.PI)) / 2 / Math.Log(Theta);
    }

    private double AttentionFactor() => Kind == "yarn" ? Number("attention_factor") ?? ((0.1 * Math.Log(Number("factor")!.Value)) + 1) : 1;

    private double? Number(string name) => (double?)_scaling?[name];
}
