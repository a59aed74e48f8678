using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Tests.Native.Cuda;

public sealed class KernelCacheTests : IDisposable
{
    private static readonly byte[] Image = [1, 2, 3, 4, 5];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mixkvq-tests-");
    private readonly string _kernels;

    public KernelCacheTests() => _kernels = Path.Combine(_folder.FullName, "some", "kernels");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void WhatIsKept_IsFoundByTheNextProcess()
    {
        Assert.Null(new KernelCache(_kernels).Find("key"));
        new KernelCache(_kernels).Keep("key", Image);
        Assert.Equal(Image, new KernelCache(_kernels).Find("key"));
        Assert.Null(new KernelCache(_kernels).Find("another"));
    }

    [Fact]
    public void Keep_LeavesOneFile_ForItsOwnerOnly()
    {
        new KernelCache(_kernels).Keep("key", Image);
        new KernelCache(_kernels).Keep("key", Image);
        string file = Assert.Single(Directory.GetFileSystemEntries(_kernels));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_kernels));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(-1)]
    public void ADamagedImage_IsNotFound_AndIsReplaced(int damaged)
    {
        KernelCache cache = new(_kernels);
        cache.Keep("key", Image);
        string file = Assert.Single(Directory.GetFiles(_kernels));
        byte[] bytes = File.ReadAllBytes(file);
        bytes[damaged < 0 ? bytes.Length + damaged : damaged] ^= 1;
        File.WriteAllBytes(file, bytes);
        Assert.Null(cache.Find("key"));

        cache.Keep("key", Image);
        Assert.Equal(Image, cache.Find("key"));
    }

    [Fact]
    public void ACutImage_IsNotFound()
    {
        KernelCache cache = new(_kernels);
        cache.Keep("key", Image);
        string file = Assert.Single(Directory.GetFiles(_kernels));
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..20]);
        Assert.Null(cache.Find("key"));
    }

    [Fact]
    public void AnImageUnderAnotherName_IsNotFound()
    {
        KernelCache cache = new(_kernels);
        cache.Keep("key", Image);
        string file = Assert.Single(Directory.GetFiles(_kernels));
        File.Move(file, file.Replace("key", "another", StringComparison.Ordinal));
        Assert.Null(cache.Find("another"));
    }

    [Fact]
    public void WhereTheDiskRefuses_NothingIsKept_AndNothingFails()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "some"), "a file where the folder should be");
        KernelCache cache = new(_kernels);
        cache.Keep("key", Image);
        Assert.Null(cache.Find("key"));

        KernelCache none = new(folder: null);
        none.Keep("key", Image);
        Assert.Null(none.Find("key"));
    }
}
