using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Tokens.Files;

namespace MixKVQ.AgentConnector.Hosting;

/// <summary>
/// Digits that tell model folders apart: a hash of the configuration, the tokenizer and, of each weight file, its name, length, header and samples of its data.
/// Reading samples only takes milliseconds where reading all weights takes as long as loading them; a fine-tuned model differs in every sample.
/// </summary>
internal static class ModelFingerprint
{
    private const int DigitCount = 32;
    private const int SampleCount = 64;
    private const int SampleBytes = 4096;

    /// <summary>The fingerprint of a folder that a model was loaded from.</summary>
    /// <exception cref="InvalidDataException">A file has changed since and is not usable now.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static string Of(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in TextFiles(folder))
        {
            using SafeFileHandle file = Open(path, hash, out long length);
            Add(hash, file, 0, length);
        }

        foreach (string path in SafetensorsCheckpoint.FilesOf(folder))
        {
            using SafeFileHandle file = Open(path, hash, out long length);
            AddWeights(hash, file, length, path);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..DigitCount];
    }

    /// <summary>The files that decide which tokens a text has and what the model is, as far as they are read.</summary>
    private static IEnumerable<string> TextFiles(string folder)
    {
        string[] tokenizer = File.Exists(Path.Combine(folder, TokenizerFile.Name))
            ? [TokenizerFile.Name]
            : [VocabularyMergesFiles.VocabularyName, VocabularyMergesFiles.MergesName];
        return new[] { ModelConfig.FileName, TokenizerConfigFile.Name }.Concat(tokenizer).Select(name => Path.Combine(folder, name)).Where(File.Exists);
    }

    private static void AddWeights(IncrementalHash hash, SafeFileHandle file, long length, string path)
    {
        Span<byte> head = stackalloc byte[sizeof(ulong)];
        int read = RandomAccess.Read(file, head, 0);
        long dataStart = head.Length + SafetensorsHeader.HeaderBytes(head[..read], length, path);
        Add(hash, file, 0, dataStart);
        long dataBytes = length - dataStart;
        if (dataBytes <= SampleCount * SampleBytes)
        {
            Add(hash, file, dataStart, dataBytes);
            return;
        }

        for (int i = 0; i < SampleCount; i++)
        {
            Add(hash, file, dataStart + (long)((Int128)(dataBytes - SampleBytes) * i / (SampleCount - 1)), SampleBytes);
        }
    }

    private static SafeFileHandle Open(string path, IncrementalHash hash, out long length)
    {
        ModelFolderPath.RequireOwnFile(path);
        SafeFileHandle file = File.OpenHandle(path);
        length = RandomAccess.GetLength(file);
        Span<byte> lengthBytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(lengthBytes, length);
        hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(path) + "\0"));
        hash.AppendData(lengthBytes);
        return file;
    }

    private static void Add(IncrementalHash hash, SafeFileHandle file, long offset, long count)
    {
        byte[] buffer = new byte[(int)Math.Min(count, 1 << 16)];
        while (count > 0)
        {
            int read = RandomAccess.Read(file, buffer.AsSpan(0, (int)Math.Min(count, buffer.Length)), offset);
            if (read == 0)
            {
                throw new EndOfStreamException("A file of the model's folder became shorter while it was read.");
            }

            hash.AppendData(buffer.AsSpan(0, read));
            offset += read;
            count -= read;
        }
    }
}
