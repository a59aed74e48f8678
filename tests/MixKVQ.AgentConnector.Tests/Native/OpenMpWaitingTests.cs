using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Native;

namespace MixKVQ.AgentConnector.Tests.Native;

public sealed partial class OpenMpWaitingTests
{
    [Fact]
    public void OnceLibtorchIsLoaded_ItsThreadsWaitShortlyUnlessTheUserSaysHowLong()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The variables are those of Linux's OpenMP library.");
        TorchLibrary.EnsureLoaded();
        string? ofUser = Environment.GetEnvironmentVariable(OpenMpWaiting.SpinCountVariable);
        string? expected = Environment.GetEnvironmentVariable(OpenMpWaiting.PolicyVariable) is null ? ofUser ?? OpenMpWaiting.SpinCount : ofUser;
        Assert.Equal(expected, Marshal.PtrToStringUTF8(GetVariable(OpenMpWaiting.SpinCountVariable)));
    }

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint GetVariable(string name);
}
