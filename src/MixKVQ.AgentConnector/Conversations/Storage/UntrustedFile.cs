using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>
/// A file that a stranger may have put there, opened for reading. It is read, not mapped: a mapped file that another shortens, or a disk that fails, would end the process.
/// </summary>
internal sealed class UntrustedFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    /// <exception cref="InvalidDataException">It is no regular file, or an empty one.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read.</exception>
    public UntrustedFile(string path)
    {
        // Pipes and devices have no length, and opening one could wait for ever.
        var file = new FileInfo(path);
        _handle = file is { Exists: true, LinkTarget: null, Length: > 0 }
            ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete)
            : throw new InvalidDataException("it is missing, empty, or a link or a device where a file is needed");
        Length = RandomAccess.GetLength(_handle);
    }

    /// <summary>Its bytes when it was opened.</summary>
    public long Length { get; }

    /// <summary>Reads the whole of <paramref name="bytes"/>.</summary>
    /// <exception cref="InvalidDataException">The file ends before.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public void Read(long offset, Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int count = RandomAccess.Read(_handle, bytes, offset);
            if (count == 0)
            {
                throw new InvalidDataException("it became shorter while it was read");
            }

            bytes = bytes[count..];
            offset += count;
        }
    }

    /// <summary>Reads a stretch.</summary>
    /// <exception cref="InvalidDataException">The file ends before, or the stretch is longer than any array.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public byte[] Read(long offset, long length)
    {
        byte[] bytes = length <= Array.MaxLength
            ? GC.AllocateUninitializedArray<byte>((int)length)
            : throw new InvalidDataException($"a section of it has {length} bytes, more than can be read");
        Read(offset, bytes);
        return bytes;
    }

    /// <summary>Reads a section and checks it.</summary>
    /// <exception cref="InvalidDataException">The file ends before, or the checksum is wrong; the message gives <paramref name="name"/>.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public byte[] Read(FileSection section, string name)
    {
        byte[] bytes = Read(section.Offset, section.Length);
        return XxHash128.HashToUInt128(bytes) == section.Checksum ? bytes : throw new InvalidDataException($"the checksum of its {name} is wrong");
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
