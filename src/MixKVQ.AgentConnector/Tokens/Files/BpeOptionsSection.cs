using System.Text.Json;

namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>The switches in the "model" of tokenizer.json.</summary>
internal sealed record BpeOptionsSection
{
    public bool IgnoreMerges { get; private init; }

    public bool ByteFallback { get; private init; }

    public string? UnknownToken { get; private init; }

    public bool FuseUnknown { get; private init; }

    /// <summary>These options and one more; a name that means nothing to BPE changes nothing.</summary>
    /// <exception cref="InvalidDataException">The option is not supported, or its value none of its kind.</exception>
    public BpeOptionsSection With(string name, JsonField field)
    {
        bool isUnset = field.Element.ValueKind is JsonValueKind.Null or JsonValueKind.False ||
            (field.Element.ValueKind == JsonValueKind.String && field.Text().Length == 0) ||
            (field.Element.ValueKind == JsonValueKind.Number && field.Element.TryGetDouble(out double number) && number == 0);
        return name switch
        {
            "type" when !isUnset && field.Text() != "BPE" => throw field.Fault($"is '{Excerpt.Of(field.Text())}'; only BPE is supported"),
            "dropout" or "continuing_subword_prefix" or "end_of_word_suffix" when !isUnset => throw field.Fault("is set, which is not supported; BPE language models leave it null"),
            "ignore_merges" => this with { IgnoreMerges = Flag(field) },
            "byte_fallback" => this with { ByteFallback = Flag(field) },
            "fuse_unk" => this with { FuseUnknown = Flag(field) },
            "unk_token" => this with { UnknownToken = field.IsNull ? null : field.Text() },
            _ => this,
        };
    }

    private static bool Flag(JsonField field) => field.Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False or JsonValueKind.Null => false,
        _ => throw field.Fault("is neither true nor false"),
    };
}
