using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Tests.Native.Cuda;

public sealed class NvrtcFoldersTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mixkvq-tests-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void BesideAPyTorchInstallation_ItsOwnFolderComesFirst_ThenThePackagesOfNvidia()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The packages' folders have other names on Windows.");
        string torch = _folder.CreateSubdirectory("torch/lib").FullName;
        string compiler = _folder.CreateSubdirectory("nvidia/cuda_nvrtc/lib").FullName;
        string toolkit = _folder.CreateSubdirectory("nvidia/cu13/lib").FullName;
        _folder.CreateSubdirectory("nvidia/empty");

        Assert.Equal([torch, toolkit, compiler], NvrtcFolders.Candidates(torch).Take(3));
    }

    [Fact]
    public void AFoldersCompilers_ComeNewestFirst_WithoutTheLibrariesBesideThem()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "File names of Linux.");
        string[] files =
        [
            "libnvrtc.so.12", "libnvrtc.so.13", "libnvrtc.alt.so.13", "libnvrtc-0a1b2c3d.so.11.2", "libnvrtc-builtins.so.13.0", "libnvrtc-builtins.alt.so.13.0", "libcaffe2_nvrtc.so",
        ];
        foreach (string file in files)
        {
            File.WriteAllText(Path.Combine(_folder.FullName, file), "");
        }

        Assert.Equal(["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc-0a1b2c3d.so.11.2"], NvrtcFolders.Compilers(_folder.FullName).Select(Path.GetFileName));
        Assert.Equal(["libnvrtc-builtins.so.13.0"], NvrtcFolders.Builtins(_folder.FullName).Select(Path.GetFileName));
    }
}
