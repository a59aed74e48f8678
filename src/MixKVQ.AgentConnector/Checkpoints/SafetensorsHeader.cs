using System.Buffers.Binary;
using System.Text.Json;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>
/// Parses and checks the header of a safetensors file: eight bytes of header length, a JSON object, then the data that
/// the object's offsets must cover once, without gap or overlap (https://github.com/huggingface/safetensors).
/// </summary>
internal static class SafetensorsHeader
{
    /// <summary>Enough for 100,000 tensors in one file; the format's reference implementation reads six times as much.</summary>
    public const long MaxHeaderBytes = 16 << 20;

    private const int LengthBytes = 8;

    /// <summary>The tensors by position in the file.</summary>
    /// <param name="head">The file's first bytes: the length and the whole header where the file has them.</param>
    /// <param name="fileBytes">Length of the whole file.</param>
    /// <param name="path">Named in errors.</param>
    /// <exception cref="InvalidDataException">The header is truncated, malformed or does not fit the file.</exception>
    public static IReadOnlyList<SafetensorsEntry> Parse(ReadOnlySpan<byte> head, long fileBytes, string path)
    {
        long headerBytes = HeaderBytes(head, fileBytes, path);
        List<SafetensorsEntry> entries;
        try
        {
            entries = ReadEntries(head.Slice(LengthBytes, (int)headerBytes), LengthBytes + headerBytes, fileBytes, path);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            throw Refuse(path, $"its header is not valid JSON of the expected form: {error.Message}");
        }

        entries.Sort((left, right) => left.Offset != right.Offset ? left.Offset.CompareTo(right.Offset) : left.ByteCount.CompareTo(right.ByteCount));
        RequireCover(entries, LengthBytes + headerBytes, fileBytes, path);
        return entries;
    }

    /// <summary>The header's length in bytes, known to lie within the file.</summary>
    /// <exception cref="InvalidDataException">The file is too short, or the length too large for it or for the format.</exception>
    public static long HeaderBytes(ReadOnlySpan<byte> head, long fileBytes, string path)
    {
        if (fileBytes < LengthBytes || head.Length < LengthBytes)
        {
            throw Refuse(path, $"it is {fileBytes} bytes long, too short for a header");
        }

        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(head);
        if (length > (ulong)Math.Min(MaxHeaderBytes, fileBytes - LengthBytes))
        {
            throw Refuse(path, $"it declares a header of {length} bytes, but is {fileBytes} bytes long and headers end at {MaxHeaderBytes} bytes");
        }

        return (long)length;
    }

    public static InvalidDataException Refuse(string path, string reason) =>
        new($"{path} is not a usable safetensors file: {reason}. Download the checkpoint again.");

    private static List<SafetensorsEntry> ReadEntries(ReadOnlySpan<byte> json, long dataStart, long fileBytes, string path)
    {
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw Refuse(path, "its header is not a JSON object");
        }

        var entries = new List<SafetensorsEntry>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            if (!names.Add(name))
            {
                throw Refuse(path, $"tensor {SafetensorsEntryReader.Quote(name)} appears twice in its header");
            }

            if (name == "__metadata__")
            {
                reader.Skip();
                continue;
            }

            entries.Add(SafetensorsEntryReader.Read(ref reader, name, dataStart, fileBytes, path));
        }

        // Reading on to the end makes trailing text a JSON error; the format pads with spaces only.
        while (reader.Read())
        {
        }

        return entries;
    }

    private static void RequireCover(List<SafetensorsEntry> entries, long dataStart, long fileBytes, string path)
    {
        long position = dataStart;
        foreach (SafetensorsEntry entry in entries)
        {
            if (entry.Offset != position)
            {
                string fault = entry.Offset < position ? "overlaps the tensor before it" : "leaves a gap before it";
                throw Refuse(path, $"tensor {SafetensorsEntryReader.Quote(entry.Name)} {fault}");
            }

            position += entry.ByteCount;
        }

        if (position != fileBytes)
        {
            throw Refuse(path, $"{fileBytes - position} bytes after its last tensor belong to none");
        }
    }
}
