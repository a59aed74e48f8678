using System.Buffers.Binary;
using System.Text.Json;
using TorchSharp;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Writes safetensors files.</summary>
internal static class SafetensorsWriter
{
    private const long MaxChunkBytes = 64 << 20;

    /// <summary>Writes the tensors in the given order, through a temporary file beside the target.</summary>
    /// <param name="path">Replaced if it exists.</param>
    /// <param name="tensors">Unique names; float32, float16 or bfloat16, any device and strides; borrowed.</param>
    /// <exception cref="ArgumentException">A name appears twice or a type is not supported.</exception>
    public static void Write(string path, IReadOnlyList<(string Name, torch.Tensor Tensor)> tensors)
    {
        byte[] header = Header(tensors);
        string temporary = path + ".tmp";
        using (FileStream stream = File.Create(temporary))
        {
            Span<byte> length = stackalloc byte[sizeof(ulong)];
            BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
            stream.Write(length);
            stream.Write(header);
            foreach ((_, torch.Tensor tensor) in tensors)
            {
                WriteData(stream, tensor);
            }
        }

        File.Move(temporary, path, overwrite: true);
    }

    private static byte[] Header(IReadOnlyList<(string Name, torch.Tensor Tensor)> tensors)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            long offset = 0;
            writer.WriteStartObject();
            writer.WriteStartObject("__metadata__");
            writer.WriteString("format", "pt");
            writer.WriteEndObject();
            foreach ((string name, torch.Tensor tensor) in tensors)
            {
                if (!names.Add(name))
                {
                    throw new ArgumentException($"Tensor {name} appears twice.", nameof(tensors));
                }

                writer.WriteStartObject(name);
                writer.WriteString("dtype", SafetensorsTypes.FromTorch(tensor.dtype));
                WriteNumbers(writer, "shape", tensor.shape);
                long end = offset + (tensor.numel() * tensor.element_size());
                WriteNumbers(writer, "data_offsets", [offset, end]);
                writer.WriteEndObject();
                offset = end;
            }

            writer.WriteEndObject();
        }

        // Padding with spaces keeps the data aligned to eight bytes.
        while (buffer.Length % 8 != 0)
        {
            buffer.WriteByte((byte)' ');
        }

        return buffer.ToArray();
    }

    private static void WriteNumbers(Utf8JsonWriter writer, string name, long[] numbers)
    {
        writer.WriteStartArray(name);
        foreach (long number in numbers)
        {
            writer.WriteNumberValue(number);
        }

        writer.WriteEndArray();
    }

    private static void WriteData(FileStream stream, torch.Tensor tensor)
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor flat = tensor.detach().cpu().contiguous().reshape(-1);
        long chunk = MaxChunkBytes / flat.element_size();
        for (long start = 0; start < flat.numel(); start += chunk)
        {
            using torch.Tensor part = flat.narrow(0, start, Math.Min(chunk, flat.numel() - start));
            stream.Write(part.bytes);
        }
    }
}
