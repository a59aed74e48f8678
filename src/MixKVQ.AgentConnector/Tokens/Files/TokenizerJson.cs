using System.Text.Json;

namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>Reads the JSON of tokenizer files piece by piece, so that a file costs memory only for what is used of it.</summary>
internal static class TokenizerJson
{
    /// <summary>Twice as much as any known file has.</summary>
    public const int MaxFileBytes = 64_000_000;

    /// <summary>Twice as many as any known model has.</summary>
    public const int MaxTokenCount = 1 << 19;

    public const int MaxMergeCount = 1_000_000;

    /// <summary>For all sections but the vocabulary and the merges.</summary>
    private const int MaxSectionBytes = 4_000_000;

    private const int MaxDepth = 64;

    public static JsonReaderOptions ReaderOptions { get; } = new() { MaxDepth = MaxDepth };

    /// <summary>Reads a file, with faults of the JSON itself named by file and place.</summary>
    public static T Read<T>(string path, Func<ReadOnlyMemory<byte>, T> read)
    {
        ReadOnlyMemory<byte> utf8 = BoundedFile.Read(path, MaxFileBytes);
        try
        {
            return read(utf8);
        }
        catch (JsonException fault)
        {
            throw new InvalidDataException($"{path}: not the JSON of a tokenizer: {fault.Message} Fetch the file anew.", fault);
        }
        catch (InvalidOperationException fault)
        {
            // The way in which System.Text.Json refuses a name or string with half a surrogate pair.
            throw new InvalidDataException($"{path}: holds text that is not Unicode: {fault.Message}", fault);
        }
    }

    /// <summary>Reads the value at the reader as a whole and moves the reader to its end.</summary>
    /// <param name="reader">Stands at the value's first token.</param>
    /// <param name="file">For messages.</param>
    /// <param name="path">The value's place in the file, for messages.</param>
    public static JsonField ReadSection(ref Utf8JsonReader reader, string file, string path)
    {
        Utf8JsonReader probe = reader;
        probe.Skip();
        long length = probe.BytesConsumed - reader.TokenStartIndex;
        if (length > MaxSectionBytes)
        {
            throw new InvalidDataException($"{file}: {path} takes {length} bytes; at most {MaxSectionBytes} are read.");
        }

        return new JsonField(file, path, JsonElement.ParseValue(ref reader));
    }

    /// <summary>Moves to the next token, which must be of the kind.</summary>
    public static void Expect(ref Utf8JsonReader reader, JsonTokenType kind, string file, string path)
    {
        if (reader.TokenType != kind)
        {
            throw new InvalidDataException($"{file}: {path} is not {(kind == JsonTokenType.StartObject ? "an object" : "an array")}.");
        }
    }

    /// <summary>Reads {"token": id, …}.</summary>
    /// <param name="reader">Stands at the object's start; is moved to its end.</param>
    /// <param name="file">For messages.</param>
    /// <param name="path">The object's place in the file, for messages.</param>
    public static Dictionary<string, int> ReadVocabulary(ref Utf8JsonReader reader, string file, string path)
    {
        Expect(ref reader, JsonTokenType.StartObject, file, path);
        var vocabulary = new Dictionary<string, int>();
        var ids = new HashSet<int>();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string token = reader.GetString()!;
            reader.Read();
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out int id) || id < 0 || id >= MaxTokenCount)
            {
                throw new InvalidDataException($"{file}: {path} gives the token '{Excerpt.Of(token)}' no id from 0 to {MaxTokenCount - 1}.");
            }

            if (!vocabulary.TryAdd(token, id))
            {
                throw new InvalidDataException($"{file}: {path} holds the token '{Excerpt.Of(token)}' twice.");
            }

            if (!ids.Add(id))
            {
                throw new InvalidDataException($"{file}: {path} gives the id {id} to '{Excerpt.Of(token)}' and to another token.");
            }
        }

        return vocabulary;
    }
}
