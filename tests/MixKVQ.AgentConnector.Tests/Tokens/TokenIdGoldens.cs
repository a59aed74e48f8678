using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens;

/// <summary>What Hugging Face tokenizers gives on the Phi-3 fixture and on changed copies of it: Goldens/token-ids.json, which names its source.</summary>
internal static class TokenIdGoldens
{
    public static JsonObject Document { get; } = JsonNode.Parse(
        File.ReadAllText(Path.Combine(Fixtures.RepositoryRoot, "tests", "MixKVQ.AgentConnector.Tests", "Tokens", "Goldens", "token-ids.json")))!.AsObject();

    public static TheoryData<string> Variants { get; } = [.. Document["variants"]!.AsObject().Select(entry => entry.Key)];

    public static TheoryData<string> Templates { get; } = [.. Document["prompts"]!.AsObject().Select(entry => entry.Key)];

    /// <summary>The fixture's tokenizer with fields replaced.</summary>
    public static ModelTokenizer Load(JsonObject changes)
    {
        string fixture = Fixtures.Shared("tokenizers", "phi-3-mini");
        JsonObject tokenizer = JsonNode.Parse(File.ReadAllText(Path.Combine(fixture, "tokenizer.json")))!.AsObject();
        foreach ((string name, JsonNode? value) in changes)
        {
            if (name != "model")
            {
                tokenizer[name] = value?.DeepClone();
                continue;
            }

            foreach ((string option, JsonNode? setting) in value!.AsObject())
            {
                tokenizer["model"]![option] = setting?.DeepClone();
            }
        }

        string folder = Directory.CreateTempSubdirectory("tokenizer-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizer.ToJsonString());
            return ModelTokenizer.Load(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public static int[] Ids(JsonNode? list) => [.. list!.AsArray().Select(id => id!.GetValue<int>())];
}
