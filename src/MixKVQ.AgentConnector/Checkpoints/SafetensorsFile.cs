using System.IO.MemoryMappedFiles;
using MixKVQ.AgentConnector.Native;
using TorchSharp;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>
/// A memory-mapped safetensors file. Only the header is read when it is opened. Safe for concurrent readers;
/// the file must not be shortened while it is open.
/// </summary>
internal sealed unsafe class SafetensorsFile : IDisposable
{
    private readonly MemoryMappedFile _mapping;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;

    /// <exception cref="InvalidDataException">The file is missing, truncated or has a bad header.</exception>
    public SafetensorsFile(string path)
    {
        Path = path;
        if (!File.Exists(path))
        {
            throw new InvalidDataException($"{path} does not exist; the checkpoint's folder must hold all its safetensors files.");
        }

        ModelFolderPath.RequireOwnFile(path);
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        long fileBytes = stream.Length;
        _mapping = MemoryMappedFile.CreateFromFile(stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        try
        {
            _view = _mapping.CreateViewAccessor(0, fileBytes, MemoryMappedFileAccess.Read);
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
            _start += _view.PointerOffset;
            Entries = SafetensorsHeader.Parse(new ReadOnlySpan<byte>(_start, (int)Math.Min(fileBytes, int.MaxValue)), fileBytes, path);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    /// <summary>The tensors by position in the file.</summary>
    public IReadOnlyList<SafetensorsEntry> Entries { get; }

    /// <summary>A tensor over the mapped bytes, without a copy.</summary>
    /// <param name="entry">One of <see cref="Entries"/>, float32, float16 or bfloat16.</param>
    /// <returns>Read only, on the CPU; the caller disposes it before this file.</returns>
    public torch.Tensor Map(SafetensorsEntry entry) =>
        TensorMemory.FromBlob((nint)(_start + entry.Offset), [.. entry.Shape], SafetensorsTypes.ToTorch(entry.DType)!.Value);

    public void Dispose()
    {
        if (_view is not null && _start is not null)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
        }

        _view?.Dispose();
        _mapping?.Dispose();
    }
}
