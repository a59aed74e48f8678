using System.Text.Json;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Tells supported models from others, naming what is not supported and what is.</summary>
internal static class SupportedModel
{
    private const string Supported = "supported are dense Llama, Mistral, Qwen2 and Qwen3 causal language models (model_type llama, mistral, qwen2, qwen3)";

    private static readonly string[] ExpertCountFields = ["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"];

    /// <summary>The family by <c>model_type</c>, else by <c>architectures</c>; null, with a fault, for any other.</summary>
    public static ModelArchitecture? ReadArchitecture(ConfigFields fields)
    {
        string? modelType = fields.Text("model_type");
        JsonElement? first = fields.OneOrMany("architectures") is [JsonElement element, ..] ? element : null;
        string? className = first is { ValueKind: JsonValueKind.String } ? first.Value.GetString() : null;
        if (modelType is null && className is null)
        {
            fields.AddFault($"model_type is missing; {Supported}.");
            return null;
        }

        ModelArchitecture? architecture = (modelType ?? className) switch
        {
            "llama" or "LlamaForCausalLM" => ModelArchitecture.Llama,
            "mistral" or "MistralForCausalLM" => ModelArchitecture.Mistral,
            "qwen2" or "Qwen2ForCausalLM" => ModelArchitecture.Qwen2,
            "qwen3" or "Qwen3ForCausalLM" => ModelArchitecture.Qwen3,
            _ => null,
        };
        if (architecture is null)
        {
            string kind = (modelType ?? className!).Contains("moe", StringComparison.OrdinalIgnoreCase) || modelType == "mixtral" ? " (a mixture of experts)" : "";
            fields.AddFault($"model_type \"{modelType ?? className}\"{kind} is not supported; {Supported}.");
        }
        else if (className is not null && className != $"{architecture}ForCausalLM")
        {
            fields.AddFault($"architecture \"{className}\" is not supported for model_type \"{modelType}\"; {Supported}.");
        }

        return architecture;
    }

    public static void RequireDensePlainWeights(ConfigFields fields)
    {
        foreach (string name in ExpertCountFields.Where(name => fields.Number(name, 0, double.MaxValue) > 1))
        {
            fields.AddFault($"a mixture of experts ({name}) is not supported; {Supported}.");
        }

        if (fields.Object("quantization_config") is { } quantization)
        {
            string method = quantization.Text("quant_method") ?? "unnamed";
            fields.AddFault($"quantized weights (quantization_config, method \"{method}\") are not supported; float32, float16 and bfloat16 weights are.");
        }

        string activation = fields.Text("hidden_act") ?? "silu";
        if (activation is not ("silu" or "swish"))
        {
            fields.AddFault($"activation \"{activation}\" (hidden_act) is not supported; silu is.");
        }
    }
}
