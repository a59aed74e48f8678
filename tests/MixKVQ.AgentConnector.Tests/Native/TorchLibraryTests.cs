using MixKVQ.AgentConnector.Native;
using TorchSharp;

namespace MixKVQ.AgentConnector.Tests.Native;

public sealed class TorchLibraryTests
{
    [Fact]
    public async Task EnsureLoaded_IsSafeFromManyThreads()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => TorchLibrary.EnsureLoaded(), TestContext.Current.CancellationToken)));
        using torch.Tensor two = torch.ones(2);
        Assert.Equal(2, two.numel());
    }

    [Fact]
    public void AnotherTorchLibraryPath_IsRefusedOnceLibtorchIsLoaded()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "torch", "lib");
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => TorchLibrary.EnsureLoaded(folder));
        Assert.Contains(folder, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALibtorchForTheCpu_LoadsWithoutItsCudaPart_AndSaysSo()
    {
        TorchLibrary.EnsureLoaded();
        Assert.True(File.Exists(Path.Combine(TorchLibrary.Folder!, TorchFolders.TorchCpuFile)));
        bool hasCuda = File.Exists(Path.Combine(TorchLibrary.Folder!, TorchFolders.CudaFiles[0]));
        Assert.SkipWhen(hasCuda, "This libtorch is built for CUDA.");
        Assert.Contains(TorchFolders.CudaFiles[0], TorchLibrary.CudaFault!, StringComparison.Ordinal);
    }

    [Fact]
    public void TheOneError_ListsEveryAttemptAndWhatHelps()
    {
        LoadAttempts attempts = new();
        attempts.Add("first thing", "its reason\nover two lines");
        Assert.Equal(0, attempts.TryLoad(Path.Combine(AppContext.BaseDirectory, "absent-library.so")));

        string message = TorchLoadMessage.Compose("/opt/torch/lib", attempts);

        Assert.Contains("first thing: its reason over two lines", message, StringComparison.Ordinal);
        Assert.Contains("absent-library.so", message, StringComparison.Ordinal);
        Assert.Contains("TorchLibraryPath", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("__version__ = '2.10.0+cpu'", "2.10.0+cpu", true)]
    [InlineData("__version__ = '2.11.0+cu130'", "2.11.0+cu130", true)]
    [InlineData("__version__ = '2.12.0'", "2.12.0", false)]
    [InlineData("from typing import Optional\n__version__: str = \"2.1.0\"", "2.1.0", false)]
    [InlineData("version = '2.10.0'", null, false)]
    public void TorchVersionFile_ReadsTheVersion(string content, string? version, bool wanted)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mixkvq-tests-");
        try
        {
            string library = folder.CreateSubdirectory("lib").FullName;
            Assert.Null(TorchVersionFile.Read(library));
            File.WriteAllText(Path.Combine(folder.FullName, "version.py"), content);
            Assert.Equal(version, TorchVersionFile.Read(library + Path.DirectorySeparatorChar));
            Assert.Equal(wanted, version is not null && TorchVersionFile.IsWanted(version));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void FindOther_SeesThroughLinks()
    {
        string own = TorchFolders.FindHolding(TorchFolders.TorchCpuFile)!;
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mixkvq-tests-");
        try
        {
            string link = Path.Combine(folder.FullName, "lib");
            Directory.CreateSymbolicLink(link, own);
            Assert.Null(TorchFolders.FindOther(link));
            File.WriteAllText(Path.Combine(folder.FullName, TorchFolders.TorchCpuFile), "another");
            Assert.Equal(own, TorchFolders.FindOther(folder.FullName));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void ThreadCount_BelowOneIsRefused_AndNoneLeavesWhatIsThere()
    {
        int before = torch.get_num_threads();
        Assert.Throws<ArgumentOutOfRangeException>(() => TorchThreads.Apply(0));
        TorchThreads.Apply(null);
        Assert.Equal(before, torch.get_num_threads());
    }
}
