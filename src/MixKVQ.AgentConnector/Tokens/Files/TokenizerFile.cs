using System.Text.Json;
using MixKVQ.AgentConnector.Tokens.PreTokenization;

namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>Reads tokenizer.json of Hugging Face tokenizers, as far as it describes BPE, byte-level or with byte fallback.</summary>
internal static class TokenizerFile
{
    public const string Name = "tokenizer.json";

    /// <exception cref="InvalidDataException">The file is malformed, or asks for what is not supported.</exception>
    public static TokenizerDefinition Read(string path) => TokenizerJson.Read(path, utf8 => Read(utf8, path));

    private static TokenizerDefinition Read(ReadOnlyMemory<byte> utf8, string file)
    {
        var reader = new Utf8JsonReader(utf8.Span, TokenizerJson.ReaderOptions);
        var sections = new Dictionary<string, JsonField>();
        BpeModelSection? model = null;
        reader.Read();
        TokenizerJson.Expect(ref reader, JsonTokenType.StartObject, file, "the file");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            if (name == "model")
            {
                model = BpeModelSection.Read(ref reader, file);
            }
            else if (name is "added_tokens" or "normalizer" or "pre_tokenizer" or "post_processor" or "decoder")
            {
                sections[name] = TokenizerJson.ReadSection(ref reader, file, name);
            }
            else
            {
                reader.Skip();
            }
        }

        if (reader.Read())
        {
            throw new InvalidDataException($"{file}: something follows the object.");
        }

        if (model is null)
        {
            throw new InvalidDataException($"{file}: model is missing, and with it the vocabulary.");
        }

        IPreTokenizer preTokenizer = PreTokenizerSection.Read(Section("pre_tokenizer"), out bool isByteLevel);
        return new TokenizerDefinition
        {
            Source = file,
            Vocabulary = model.Vocabulary,
            Merges = model.Merges,
            IgnoreMerges = model.Options.IgnoreMerges,
            HasByteFallback = model.Options.ByteFallback,
            UnknownToken = model.Options.UnknownToken,
            FusesUnknown = model.Options.FuseUnknown,
            Spelling = DecoderSection.Read(Section("decoder"), isByteLevel, file),
            AddedTokens = Section("added_tokens") is { } added ? [.. added.Items().Select(item => AddedTokenSection.Read(item, item.Get("id").Integer()))] : [],
            Normalizer = NormalizerSection.Read(Section("normalizer")),
            PreTokenizer = preTokenizer,
            Template = PostProcessorSection.Read(Section("post_processor")),
        };

        JsonField? Section(string name) => sections.TryGetValue(name, out JsonField field) && !field.IsNull ? field : null;
    }
}
