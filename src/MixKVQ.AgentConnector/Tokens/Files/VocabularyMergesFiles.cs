using System.Text;
using System.Text.Json;
using MixKVQ.AgentConnector.Tokens.Normalization;
using MixKVQ.AgentConnector.Tokens.PreTokenization;

namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>Reads vocab.json and merges.txt, whose pre-tokenizer goes by the tokenizer's class.</summary>
internal static class VocabularyMergesFiles
{
    public const string VocabularyName = "vocab.json";

    public const string MergesName = "merges.txt";

    public static TokenizerDefinition Read(string folder, TokenizerConfigFile config)
    {
        string vocabularyPath = Path.Combine(folder, VocabularyName);
        bool isQwen = config.TokenizerClass is "Qwen2Tokenizer" or "Qwen2TokenizerFast";
        if (!isQwen && config.TokenizerClass is not ("GPT2Tokenizer" or "GPT2TokenizerFast"))
        {
            throw new InvalidDataException(
                $"{config.Source}: tokenizer_class is '{Excerpt.Of(config.TokenizerClass ?? "absent")}'; with {VocabularyName} and {MergesName}, Qwen2Tokenizer and GPT2Tokenizer are supported. A {TokenizerFile.Name} in the folder works for any class.");
        }

        var split = new SplitPattern(isQwen ? KnownPatterns.Qwen2 : KnownPatterns.Gpt2, vocabularyPath, SplitPattern.DefaultTimeLimit);
        return new TokenizerDefinition
        {
            Source = vocabularyPath,
            Vocabulary = TokenizerJson.Read(vocabularyPath, utf8 => ReadVocabulary(utf8, vocabularyPath)),
            Merges = ReadMerges(Path.Combine(folder, MergesName)),
            Normalizer = isQwen ? CanonicalNormalizer.Nfc : null,
            PreTokenizer = new SequencePreTokenizer([new SplitPreTokenizer(split, SplitBehavior.Isolated, invert: false)]),
        };
    }

    private static Dictionary<string, int> ReadVocabulary(ReadOnlyMemory<byte> utf8, string file)
    {
        var reader = new Utf8JsonReader(utf8.Span, TokenizerJson.ReaderOptions);
        reader.Read();
        Dictionary<string, int> vocabulary = TokenizerJson.ReadVocabulary(ref reader, file, "the file");
        return reader.Read() ? throw new InvalidDataException($"{file}: something follows the object.")
            : vocabulary.Count > 0 ? vocabulary : throw new InvalidDataException($"{file}: the vocabulary is empty.");
    }

    /// <summary>A merge a line, "left right", after an optional line that tells the version.</summary>
    private static List<string> ReadMerges(string path)
    {
        ReadOnlyMemory<byte> utf8 = BoundedFile.Read(path, TokenizerJson.MaxFileBytes);
        var merges = new List<string>();
        foreach (ReadOnlySpan<char> line in Encoding.UTF8.GetString(utf8.Span).AsSpan().EnumerateLines())
        {
            bool isVersion = merges.Count == 0 && line.StartsWith("#version", StringComparison.Ordinal);
            if (!line.IsEmpty && !isVersion)
            {
                if (merges.Count == TokenizerJson.MaxMergeCount)
                {
                    throw new InvalidDataException($"{path}: holds more than {TokenizerJson.MaxMergeCount} merges.");
                }

                merges.Add(line.ToString());
            }
        }

        return merges;
    }
}
