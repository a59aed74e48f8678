using System.Globalization;
using System.Text.Json;

namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>What tokenizer_config.json says of the tokens; its chat template is read elsewhere.</summary>
internal sealed record TokenizerConfigFile
{
    public const string Name = "tokenizer_config.json";

    private static readonly string[] OtherSpecialTokens = ["pad_token", "unk_token", "sep_token", "cls_token", "mask_token"];

    /// <summary>The file, for messages.</summary>
    public required string Source { get; init; }

    public string? BosToken { get; init; }

    public string? EosToken { get; init; }

    /// <summary>Tokens the file names as special beside bos and eos.</summary>
    public IReadOnlyList<string> SpecialTokens { get; init; } = [];

    /// <summary>added_tokens_decoder.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    public string? TokenizerClass { get; init; }

    /// <summary>Reads the folder's file; an absent one says nothing.</summary>
    public static TokenizerConfigFile ReadFrom(string folder)
    {
        string path = Path.Combine(folder, Name);
        return File.Exists(path) ? TokenizerJson.Read(path, utf8 => Read(utf8, path)) : new TokenizerConfigFile { Source = path };
    }

    private static TokenizerConfigFile Read(ReadOnlyMemory<byte> utf8, string file)
    {
        var reader = new Utf8JsonReader(utf8.Span, TokenizerJson.ReaderOptions);
        reader.Read();
        JsonField root = TokenizerJson.ReadSection(ref reader, file, "the file");
        if (reader.Read())
        {
            throw new InvalidDataException($"{file}: something follows the object.");
        }

        IEnumerable<JsonField> additional = root.Find("additional_special_tokens")?.Items() ?? [];
        return new TokenizerConfigFile
        {
            Source = file,
            BosToken = FindToken(root, "bos_token"),
            EosToken = FindToken(root, "eos_token"),
            SpecialTokens = [.. OtherSpecialTokens.Select(name => FindToken(root, name)).OfType<string>(), .. additional.Select(ReadToken)],
            AddedTokens = [.. (root.Find("added_tokens_decoder")?.Members() ?? []).Select(member => AddedTokenSection.Read(member.Value, ReadId(member.Name, member.Value)))],
            TokenizerClass = root.FindText("tokenizer_class"),
        };
    }

    private static string? FindToken(JsonField root, string name) => root.Find(name) is { } field ? ReadToken(field) : null;

    /// <summary>A token is its text, or an object that holds it.</summary>
    private static string ReadToken(JsonField field) => field.Element.ValueKind == JsonValueKind.Object ? field.Get("content").Text() : field.Text();

    private static int ReadId(string name, JsonField field) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) ? id : throw field.Fault("is not named by a token id");
}
