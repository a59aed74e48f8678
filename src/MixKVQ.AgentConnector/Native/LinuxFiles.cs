using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MixKVQ.AgentConnector.Native;

/// <summary>Files without a name (Linux, <c>memfd_create(2)</c>).</summary>
internal static partial class LinuxFiles
{
    /// <summary>MFD_CLOEXEC: the file is not handed down to child processes.</summary>
    private const uint CloseOnExec = 1;

    /// <summary>Makes an empty file that lives in memory until its last handle and mapping are gone.</summary>
    /// <exception cref="IOException">The kernel refuses.</exception>
    public static SafeFileHandle CreateAnonymous(string name)
    {
        int descriptor = MemfdCreate(name, CloseOnExec);
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw new IOException($"memfd_create failed: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MemfdCreate(string name, uint flags);
}
