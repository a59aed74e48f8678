using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Native;

namespace MixKVQ.AgentConnector.Tests.Native;

public sealed class RepairedLibraryTests
{
    // A small library that needs nothing but libc and may be loaded twice.
    private static readonly string Harmless = Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "libSystem.Globalization.Native.so");

    [Fact]
    public void AnImage_LoadsFromMemory()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Files without a name are Linux's.");
        LoadAttempts attempts = new();
        Assert.NotEqual(0, RepairedLibrary.LoadFromMemory(File.ReadAllBytes(Harmless), "one.so", attempts));
        Assert.Empty(attempts.Lines);
    }

    [Fact]
    public void AnImage_LoadsFromAPrivateFolder_ThatIsGoneAfterwards()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The repair concerns Linux.");
        LoadAttempts attempts = new();
        Assert.NotEqual(0, RepairedLibrary.LoadFromPrivateFolder(File.ReadAllBytes(Harmless), "mapped-from-folder.so", attempts));
        Assert.Empty(attempts.Lines);

        string mapping = File.ReadLines("/proc/self/maps").First(line => line.Contains("mapped-from-folder.so", StringComparison.Ordinal));
        string path = mapping[mapping.IndexOf('/', StringComparison.Ordinal)..].Replace(" (deleted)", string.Empty, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.GetDirectoryName(path)));
    }

    [Fact]
    public void AFileWithNothingToRepair_IsNamedWithItsReason()
    {
        LoadAttempts attempts = new();
        Assert.Equal(0, RepairedLibrary.Load(typeof(RepairedLibraryTests).Assembly.Location, attempts));
        Assert.Contains("not a 64-bit little-endian ELF", Assert.Single(attempts.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void AMissingFile_IsNamedWithItsReason()
    {
        LoadAttempts attempts = new();
        Assert.Equal(0, RepairedLibrary.Load(Path.Combine(AppContext.BaseDirectory, "absent.so"), attempts));
        Assert.Contains("absent.so", Assert.Single(attempts.Lines), StringComparison.Ordinal);
    }
}
