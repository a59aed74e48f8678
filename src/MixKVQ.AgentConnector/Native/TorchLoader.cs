namespace MixKVQ.AgentConnector.Native;

/// <summary>Loads libtorch's libraries and TorchSharp's binding by their full paths, and notes what fails.</summary>
internal sealed class TorchLoader
{
    /// <summary>What failed, in order. Not empty after success where the binding had to be repaired.</summary>
    public LoadAttempts Attempts { get; } = new();

    /// <summary>The library that holds the CPU operators and the C ABI; 0 until it is loaded.</summary>
    public nint TorchCpuHandle { get; private set; }

    /// <summary>TorchSharp's own native library; 0 until it is loaded.</summary>
    public nint BindingHandle { get; private set; }

    /// <summary>The library that holds the CUDA operators; 0 where libtorch has none that loads, see <see cref="CudaFault"/>.</summary>
    public nint TorchCudaHandle { get; private set; }

    /// <summary>Why there are no CUDA operators, or null where they are loaded. No failure of libtorch: the CPU serves.</summary>
    public string? CudaFault { get; private set; } = "libtorch is not loaded";

    /// <summary>The folder that libtorch was loaded from; null until it is.</summary>
    public string? TorchFolder { get; private set; }

    /// <summary>Loads the libtorch package and the binding that lie with the application.</summary>
    public bool LoadPackage() => Find(TorchFolders.TorchCpuFile) is string folder && LoadTorch(folder) && LoadBinding();

    /// <summary>Loads the libtorch of a PyTorch installation, and the binding that lies with the application.</summary>
    public bool LoadInstallation(string folder) => MayUse(folder) && LoadTorch(folder) && LoadBinding();

    private bool MayUse(string folder)
    {
        string? fault = null;
        if (!File.Exists(Path.Combine(folder, TorchFolders.TorchCpuFile)))
        {
            string reason = Directory.Exists(folder) ? $"holds no {TorchFolders.TorchCpuFile}" : "does not exist";
            fault = $"{reason}; it has to be the folder torch/lib of a PyTorch installation";
        }
        else if (TorchVersionFile.Read(folder) is string version && !TorchVersionFile.IsWanted(version))
        {
            fault = $"it is PyTorch {version}, and TorchSharp needs {TorchVersionFile.Wanted}";
        }
        else if (TorchFolders.FindOther(folder) is string other)
        {
            fault = $"the application carries its own libtorch in {other}, TorchSharp would load that too, and two in one process end it. "
                + "Build with -p:MixKvqTorch=none, or give the application's reference to the libtorch package ExcludeAssets=\"all\"";
        }

        if (fault is not null)
        {
            Attempts.Add($"TorchLibraryPath '{folder}'", fault);
        }

        return fault is null;
    }

    private bool LoadTorch(string folder)
    {
        OpenMpWaiting.Shorten();
        foreach (string file in TorchFolders.TorchFiles)
        {
            nint handle = Attempts.TryLoad(Path.Combine(folder, file));
            if (handle == 0)
            {
                return false;
            }

            TorchCpuHandle = file == TorchFolders.TorchCpuFile ? handle : TorchCpuHandle;
        }

        TorchFolder = folder;
        CudaFault = LoadCuda(folder);
        return true;
    }

    private string? LoadCuda(string folder)
    {
        foreach (string path in TorchFolders.CudaFiles.Select(file => Path.Combine(folder, file)))
        {
            if (!File.Exists(path))
            {
                return $"{path}: there is no such file, this libtorch is built for the CPU";
            }

            TorchCudaHandle = Attempts.TryLoad(path);
            if (TorchCudaHandle == 0)
            {
                return Attempts.Lines[^1];
            }
        }

        return null;
    }

    /// <summary>Loads the file as it is, or where the C++ runtime is too old for it, a repaired copy.</summary>
    private bool LoadBinding()
    {
        if (Find(TorchFolders.BindingFile) is not string folder)
        {
            return false;
        }

        string path = Path.Combine(folder, TorchFolders.BindingFile);
        BindingHandle = Attempts.TryLoad(path);
        if (BindingHandle == 0 && OperatingSystem.IsLinux())
        {
            BindingHandle = RepairedLibrary.Load(path, Attempts);
        }

        return BindingHandle != 0;
    }

    private string? Find(string file)
    {
        string? folder = TorchFolders.FindHolding(file);
        if (folder is null)
        {
            Attempts.Add(file, $"not in any of {string.Join(", ", TorchFolders.Candidates())}");
        }

        return folder;
    }
}
