using System.Text;
using System.Text.Json;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Reads one tensor's entry of a safetensors header and checks it against the file's length.</summary>
internal static class SafetensorsEntryReader
{
    private const int MaxRank = 8;

    /// <param name="reader">At the start of the entry's value; left at its end.</param>
    /// <param name="name">The tensor's name.</param>
    /// <param name="dataStart">Position of the first data byte in the file.</param>
    /// <param name="fileBytes">Length of the whole file.</param>
    /// <param name="path">Named in errors.</param>
    /// <exception cref="InvalidDataException">The entry is incomplete, inconsistent or out of the file's range.</exception>
    public static SafetensorsEntry Read(ref Utf8JsonReader reader, string name, long dataStart, long fileBytes, string path)
    {
        string? dtype = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        RequireToken(ref reader, JsonTokenType.StartObject, name, path);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string field = reader.GetString()!;
            reader.Read();
            switch (field)
            {
                case "dtype":
                    RequireToken(ref reader, JsonTokenType.String, name, path);
                    dtype = reader.GetString();
                    break;
                case "shape":
                    shape = ReadSizes(ref reader, name, MaxRank, path);
                    break;
                case "data_offsets":
                    offsets = ReadSizes(ref reader, name, 2, path);
                    break;
                default:
                    throw SafetensorsHeader.Refuse(path, $"tensor {Quote(name)} has an unknown header field {Quote(field)}");
            }
        }

        if (dtype is null || shape is null || offsets is not [long begin, long end])
        {
            throw SafetensorsHeader.Refuse(path, $"tensor {Quote(name)} lacks dtype, shape or data_offsets");
        }

        if (begin > end || end > fileBytes - dataStart)
        {
            throw SafetensorsHeader.Refuse(path, $"tensor {Quote(name)} lies at {begin} to {end}, but the file has {fileBytes - dataStart} bytes of data");
        }

        RequireByteCount(name, dtype, shape, end - begin, path);
        return new SafetensorsEntry(name, dtype, shape, dataStart + begin, end - begin);
    }

    private static void RequireByteCount(string name, string dtype, List<long> shape, long byteCount, string path)
    {
        Int128 expected = SafetensorsTypes.ElementBytes(dtype)
            ?? throw SafetensorsHeader.Refuse(path, $"tensor {Quote(name)} has the unknown element type {Quote(dtype)}");
        foreach (long size in shape)
        {
            // Keeps the product far below overflow: each factor is below 2^63, the running product at most 2^62.
            expected = Int128.Min(expected * size, (Int128)1 << 62);
        }

        if (expected != byteCount)
        {
            throw SafetensorsHeader.Refuse(path, $"tensor {Quote(name)} of type {dtype} and shape [{string.Join(", ", shape)}] cannot have {byteCount} bytes");
        }
    }

    private static List<long> ReadSizes(ref Utf8JsonReader reader, string name, int maxCount, string path)
    {
        RequireToken(ref reader, JsonTokenType.StartArray, name, path);
        var sizes = new List<long>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (sizes.Count == maxCount || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long size) || size < 0)
            {
                throw SafetensorsHeader.Refuse(path, $"tensor {Quote(name)} has a shape or offset that is not at most {maxCount} whole numbers from zero");
            }

            sizes.Add(size);
        }

        return sizes;
    }

    private static void RequireToken(ref Utf8JsonReader reader, JsonTokenType expected, string name, string path)
    {
        if (reader.TokenType != expected)
        {
            throw SafetensorsHeader.Refuse(path, $"the header of tensor {Quote(name)} has a {reader.TokenType} where a {expected} is expected");
        }
    }

    /// <summary>A name from an untrusted file, fit for an error message.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char character in text.AsSpan(0, Math.Min(text.Length, 200)))
        {
            quoted.Append(char.IsControl(character) ? '?' : character);
        }

        return quoted.Append('"').ToString();
    }
}
