using MixKVQ.AgentConnector.Checkpoints;

namespace MixKVQ.AgentConnector.Tokens.Files;

/// <summary>Reads whole files of a model folder, up to a size.</summary>
internal static class BoundedFile
{
    /// <summary>The file's bytes without a byte order mark.</summary>
    /// <exception cref="InvalidDataException">The file is larger than <paramref name="maxBytes"/>, or no file of the folder.</exception>
    public static ReadOnlyMemory<byte> Read(string path, int maxBytes)
    {
        long length = ModelFolderPath.RequireOwnFile(path);
        if (length > maxBytes)
        {
            throw new InvalidDataException($"{path}: the file has {length} bytes; at most {maxBytes} are read. Pass the folder of a tokenizer's files.");
        }

        byte[] bytes = File.ReadAllBytes(path);
        return bytes is [0xEF, 0xBB, 0xBF, ..] ? bytes.AsMemory(3) : bytes;
    }
}
