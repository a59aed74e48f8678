using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Tokens;
using TorchSharp;
using TrainPlannerModel.Training;
using TrainPlannerModel.Vocabulary;
using static TorchSharp.torch;

namespace TrainPlannerModel.Export;

/// <summary>Writes a model in the ordinary Hugging Face layout: a Qwen3 decoder in bf16, tied embeddings.</summary>
internal static class ModelFolder
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the tokenizer's files and loads them, so that training sees the tokens that users of the model will.</summary>
    public static ModelTokenizer WriteTokenizer(string folder, JsonObject tokenizer)
    {
        Directory.CreateDirectory(folder);
        WriteJson(folder, "tokenizer.json", tokenizer, Compact);
        WriteJson(folder, "tokenizer_config.json", TokenizerConfig(), Indented);
        return ModelTokenizer.Load(folder);
    }

    /// <summary>Writes the configuration and the weights.</summary>
    public static void Write(string folder, PlannerShape shape, ModelTokenizer tokenizer, PlannerParameters parameters)
    {
        int textEnd = tokenizer.FindAddedToken("<|endoftext|>")!.Value;
        int turnEnd = tokenizer.FindAddedToken("<|im_end|>")!.Value;
        WriteJson(folder, "config.json", Config(shape, textEnd, turnEnd), Indented);
        WriteJson(folder, "generation_config.json", GenerationConfig(textEnd, turnEnd), Indented);
        using IDisposable scope = NewDisposeScope();
        SafetensorsWriter.Write(
            Path.Combine(folder, "model.safetensors"),
            [.. parameters.ByName.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => (pair.Key, pair.Value.detach().to(bfloat16)))]);
    }

    private static JsonObject Config(PlannerShape shape, int textEnd, int turnEnd) => new()
    {
        ["architectures"] = new JsonArray("Qwen3ForCausalLM"),
        ["model_type"] = "qwen3",
        ["torch_dtype"] = "bfloat16",
        ["vocab_size"] = shape.VocabularySize,
        ["hidden_size"] = shape.HiddenSize,
        ["intermediate_size"] = shape.IntermediateSize,
        ["num_hidden_layers"] = shape.LayerCount,
        ["num_attention_heads"] = shape.QueryHeadCount,
        ["num_key_value_heads"] = shape.KeyValueHeadCount,
        ["head_dim"] = shape.HeadDim,
        ["hidden_act"] = "silu",
        ["rms_norm_eps"] = shape.RmsNormEpsilon,
        ["rope_theta"] = shape.RopeTheta,
        ["rope_scaling"] = null,
        ["max_position_embeddings"] = PlannerShape.ContextLength,
        ["attention_bias"] = false,
        ["attention_dropout"] = 0.0,
        ["use_sliding_window"] = false,
        ["sliding_window"] = null,
        ["tie_word_embeddings"] = true,
        ["use_cache"] = true,
        ["bos_token_id"] = textEnd,
        ["eos_token_id"] = turnEnd,
    };

    private static JsonObject GenerationConfig(int textEnd, int turnEnd) => new()
    {
        ["do_sample"] = false,
        ["eos_token_id"] = new JsonArray(turnEnd, textEnd),
        ["pad_token_id"] = textEnd,
    };

    private static JsonObject TokenizerConfig() => new()
    {
        ["tokenizer_class"] = "PreTrainedTokenizerFast",
        ["bos_token"] = null,
        ["eos_token"] = "<|im_end|>",
        ["pad_token"] = "<|endoftext|>",
        ["unk_token"] = null,
        ["add_bos_token"] = false,
        ["clean_up_tokenization_spaces"] = false,
        ["model_max_length"] = PlannerShape.ContextLength,
        ["additional_special_tokens"] = new JsonArray([.. PlannerVocabulary.AddedTokens.Take(3).Select(token => (JsonNode)token)]),
        ["chat_template"] = ChatTemplate(),
    };

    private static string ChatTemplate()
    {
        using Stream stream = typeof(ModelFolder).Assembly.GetManifestResourceStream("chat_template.jinja")!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd().TrimEnd('\n');
    }

    private static void WriteJson(string folder, string name, JsonObject json, JsonSerializerOptions options) =>
        File.WriteAllText(Path.Combine(folder, name), json.ToJsonString(options) + "\n");
}
