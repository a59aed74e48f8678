using System.Text.Json;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Finds out whether any layer would attend to a window instead of all earlier tokens.</summary>
internal static class SlidingWindow
{
    // The window that a Mistral config has when it names none.
    private const int MistralDefaultWindow = 4096;

    // The first windowed layer of a Qwen config that names none.
    private const int QwenDefaultFirstLayer = 28;

    public static void RequireUnused(ConfigFields config, ModelArchitecture architecture, int layerCount, int maxPositionCount)
    {
        int? window = architecture switch
        {
            ModelArchitecture.Llama => null,
            ModelArchitecture.Mistral => config.IsGiven("sliding_window") ? config.Count("sliding_window", 1, int.MaxValue) : MistralDefaultWindow,
            _ => config.Flag("use_sliding_window") == true ? config.Count("sliding_window", 1, int.MaxValue) : null,
        };
        if (window is null || window >= maxPositionCount)
        {
            return;
        }

        IReadOnlyList<JsonElement> layerTypes = config.OneOrMany("layer_types");
        bool used = layerTypes.Count > 0
            ? layerTypes.Any(type => type.ValueKind != JsonValueKind.String || type.GetString() != "full_attention")
            : architecture == ModelArchitecture.Mistral
                || (config.Count("max_window_layers", 0, int.MaxValue) ?? QwenDefaultFirstLayer) < layerCount;
        if (used)
        {
            config.AddFault(
                $"sliding-window attention over {window} tokens is not supported; full attention is " +
                "(sliding_window null or at least max_position_embeddings, or for Qwen use_sliding_window false).");
        }
    }
}
