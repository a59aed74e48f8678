using System.Text.Json;

namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>The "model" of tokenizer.json.</summary>
internal sealed record BpeModelSection(Dictionary<string, int> Vocabulary, IReadOnlyList<string> Merges, BpeOptionsSection Options)
{
    private const string Vocab = "model.vocab";
    private const string MergeList = "model.merges";

    /// <param name="reader">Stands at the value's start; is moved to its end.</param>
    /// <param name="file">For messages.</param>
    public static BpeModelSection Read(ref Utf8JsonReader reader, string file)
    {
        TokenizerJson.Expect(ref reader, JsonTokenType.StartObject, file, "model");
        Dictionary<string, int>? vocabulary = null;
        List<string>? merges = null;
        BpeOptionsSection options = new();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            switch (name)
            {
                case "vocab":
                    vocabulary = TokenizerJson.ReadVocabulary(ref reader, file, Vocab);
                    break;
                case "merges":
                    merges = ReadMerges(ref reader, file);
                    break;
                default:
                    JsonField field = TokenizerJson.ReadSection(ref reader, file, $"model.{Excerpt.Of(name)}");
                    options = options.With(name, field);
                    break;
            }
        }

        return new BpeModelSection(
            vocabulary is { Count: > 0 } ? vocabulary : throw new InvalidDataException($"{file}: {Vocab} is missing or empty."),
            merges ?? throw new InvalidDataException($"{file}: {MergeList} is missing; only BPE models are supported."),
            options);
    }

    /// <summary>Merges are "left right" in older files and ["left", "right"] in newer ones.</summary>
    private static List<string> ReadMerges(ref Utf8JsonReader reader, string file)
    {
        TokenizerJson.Expect(ref reader, JsonTokenType.StartArray, file, MergeList);
        var merges = new List<string>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (merges.Count == TokenizerJson.MaxMergeCount)
            {
                throw new InvalidDataException($"{file}: {MergeList} holds more than {TokenizerJson.MaxMergeCount} merges.");
            }

            if (reader.TokenType == JsonTokenType.String)
            {
                merges.Add(reader.GetString()!);
                continue;
            }

            JsonField pair = TokenizerJson.ReadSection(ref reader, file, $"{MergeList}[{merges.Count}]");
            string[] tokens = [.. pair.Items().Take(3).Select(item => item.Text())];
            merges.Add(tokens is [var left, var right] ? $"{left} {right}" : throw pair.Fault("is not a pair of tokens"));
        }

        return merges;
    }
}
