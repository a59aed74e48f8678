using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Native;

/// <summary>
/// Asks Linux to back memory with large pages (<c>madvise(2)</c>): reading gigabytes of weights once a token spends a tenth of its time on finding pages of 4 KB.
/// It is advice: where the system does not follow it, or is another, nothing changes.
/// </summary>
internal static unsafe partial class LargePages
{
    /// <summary>MADV_HUGEPAGE.</summary>
    private const int HugePage = 14;

    private const long PageBytes = 2 << 20;

    /// <summary>Advises for the large pages that lie within a range of memory, which is best not written to yet.</summary>
    public static void Advise(nint start, long bytes)
    {
        long first = (start + PageBytes - 1) / PageBytes * PageBytes;
        long end = (start + bytes) / PageBytes * PageBytes;
        if (OperatingSystem.IsLinux() && end > first)
        {
            _ = Advise((void*)first, (nuint)(end - first), HugePage);
        }
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Advise(void* start, nuint bytes, int advice);
}
