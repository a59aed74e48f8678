using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache.Paging;

namespace MixKVQ.AgentConnector.Tests.Cache.Fuzzing;

/// <summary>Memory that is followed, after the slack which a slab has, by a page that no one may touch: reading further ends the process. Linux only.</summary>
internal sealed unsafe partial class GuardedMemory : IDisposable
{
    private const int PageBytes = 1 << 16;
    private const int ReadWrite = 3;
    private const int PrivateAnonymous = 0x22;

    private readonly nuint _bytes;
    private readonly byte* _start;

    /// <param name="bytes">Most bytes to be placed.</param>
    public GuardedMemory(int bytes)
    {
        _bytes = (nuint)((bytes + PagePool.Slack + PageBytes - 1) / PageBytes * PageBytes);
        _start = (byte*)Map(0, _bytes + PageBytes, ReadWrite, PrivateAnonymous, -1, 0);
        if ((nint)_start == -1 || Protect((nint)_start + (nint)_bytes, PageBytes, 0) != 0)
        {
            throw new InvalidOperationException($"Memory cannot be guarded: {Marshal.GetLastPInvokeErrorMessage()}.");
        }
    }

    /// <summary>Copies bytes to the end of the memory, less the slack, which holds what would show in any sum; tells where they begin.</summary>
    public byte* Place(ReadOnlySpan<byte> bytes)
    {
        byte* place = _start + _bytes - PagePool.Slack - bytes.Length;
        new Span<byte>(place + bytes.Length, PagePool.Slack).Fill(byte.MaxValue);
        bytes.CopyTo(new Span<byte>(place, bytes.Length));
        return place;
    }

    public void Dispose() => _ = Unmap((nint)_start, _bytes + PageBytes);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Map(nint address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Protect(nint address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Unmap(nint address, nuint bytes);
}
