using System.Text.Json;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Reads the small JSON files of a model folder with a size limit.</summary>
internal static class CheckpointJson
{
    /// <summary>Parses a file whose root is an object.</summary>
    /// <exception cref="InvalidDataException">The file is missing, too long, not JSON or not an object.</exception>
    public static JsonDocument ReadObject(string path, long maxBytes)
    {
        if (!File.Exists(path))
        {
            throw new InvalidDataException($"{path} does not exist; pass a folder that holds a Hugging Face checkpoint (config.json, tokenizer files, safetensors).");
        }

        JsonDocument document;
        try
        {
            ReadOnlyMemory<byte> text = ReadText(path, maxBytes);
            document = JsonDocument.Parse(text);
            RequireText(text.Span);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{path} is not valid JSON: {error.Message}", error);
        }

        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            JsonValueKind kind = document.RootElement.ValueKind;
            document.Dispose();
            throw new InvalidDataException($"{path} holds a JSON {kind} where an object is expected.");
        }

        return document;
    }

    private static ReadOnlyMemory<byte> ReadText(string path, long maxBytes)
    {
        long length = ModelFolderPath.RequireOwnFile(path);
        if (length > maxBytes)
        {
            throw new InvalidDataException($"{path} is {length} bytes long; at most {maxBytes} are read.");
        }

        byte[] text = File.ReadAllBytes(path);
        return text.AsSpan().StartsWith("\uFEFF"u8) ? text.AsMemory(3) : text;
    }

    // JsonDocument checks a string's bytes and surrogates only when it is asked for, and then with an InvalidOperationException.
    private static void RequireText(ReadOnlySpan<byte> text)
    {
        var reader = new Utf8JsonReader(text);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String)
            {
                reader.GetString();
            }
        }
    }
}
