using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native;
using TorchSharp;

namespace MixKVQ.AgentConnector.Benchmarks.Constraints;

/// <summary>
/// Prints what a decode step takes with and without a schema: <c>constrained-decoding FOLDER-WITH-TOKENIZER</c>. The model has
/// Qwen3-0.6B's shape and random weights; free and held answers take turns in one process.
/// </summary>
internal static class ConstrainedDecoding
{
    private const int Rounds = 4;

    private const int TokenLimit = 150;

    private const string Config =
        """
        { "model_type": "qwen3", "vocab_size": 151936, "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16,
          "num_key_value_heads": 8, "head_dim": 128, "max_position_embeddings": 40960, "rope_theta": 1000000, "tie_word_embeddings": true, "torch_dtype": "bfloat16" }
        """;

    private const string Schema =
        """{"type":"object","properties":{"summary":{"type":"string","maxLength":2000},"tags":{"type":"array","items":{"type":"string","minLength":2,"maxLength":30}}},"required":["summary","tags"]}""";

    public static async Task RunAsync(string tokenizerFolder)
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            WriteModel(folder, tokenizerFolder);
            await using var client = new MixKvqChatClient(new MixKvqOptions { ModelPath = folder });
            var free = new ChatOptions { MaxOutputTokens = TokenLimit, Temperature = 1 };
            ChatOptions held = free.Clone();
            held.ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse(Schema));
            await client.GetResponseAsync("Warm up.", free);
            for (int round = 0; round < Rounds; round++)
            {
                free.Seed = held.Seed = round;
                Print("free", await client.GetResponseAsync($"Tell me of {round}.", free));
                Print("schema", await client.GetResponseAsync($"Tell me of {round}.", held));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void WriteModel(string folder, string tokenizerFolder)
    {
        foreach (string file in Directory.EnumerateFiles(tokenizerFolder))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        File.WriteAllText(Path.Combine(folder, "config.json"), Config);
        TorchLibrary.EnsureLoaded();
        using var scope = torch.NewDisposeScope();
        SafetensorsWriter.Write(
            Path.Combine(folder, "model.safetensors"),
            [.. DecoderTensors.Of(ModelConfig.Load(folder)).Select(spec => (spec.Name, (torch.randn([.. spec.Shape]) * 0.03).to_type(torch.ScalarType.BFloat16)))]);
    }

    private static void Print(string name, ChatResponse response) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{name,-7} {response.Usage?.OutputTokenCount,4} tokens, {1000 / (double)response.AdditionalProperties![MixKvqMetadata.TokensPerSecond]!:F1} ms a step"));
}
