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
            using FileStream stream = File.OpenRead(path);
            if (stream.Length > maxBytes)
            {
                throw new InvalidDataException($"{path} is {stream.Length} bytes long; at most {maxBytes} are read.");
            }

            document = JsonDocument.Parse(stream);
        }
        catch (JsonException error)
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
}
