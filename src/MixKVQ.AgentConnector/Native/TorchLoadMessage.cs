using System.Runtime.InteropServices;
using System.Text;

namespace MixKVQ.AgentConnector.Native;

/// <summary>Words the one error a user sees when libtorch cannot be loaded.</summary>
internal static class TorchLoadMessage
{
    public static string Compose(string? torchLibraryPath, LoadAttempts attempts)
    {
        StringBuilder text = new("libtorch could not be loaded on ");
        text.Append(RuntimeInformation.RuntimeIdentifier).AppendLine(". Tried:");
        foreach (string line in attempts.Lines)
        {
            text.Append("  - ").AppendLine(line);
        }

        text.AppendLine("What helps:");
        foreach (string line in Advice(torchLibraryPath, attempts.LoadFailed))
        {
            text.Append("  - ").AppendLine(line);
        }

        return text.ToString().TrimEnd();
    }

    private static IEnumerable<string> Advice(string? torchLibraryPath, bool loadFailed)
    {
        string runtime = TorchFolders.PortableRuntime();
        if (runtime is not ("linux-x64" or "win-x64" or "osx-arm64"))
        {
            yield return $"Run on linux-x64, win-x64 or osx-arm64: there is no libtorch package for {runtime}.";
            yield break;
        }

        if (torchLibraryPath is null)
        {
            yield return $"Reference the package libtorch-cpu-{runtime} 2.10.0, or set TorchLibraryPath to the torch/lib folder of a PyTorch {TorchVersionFile.Wanted} installation.";
        }
        else
        {
            yield return $"Set TorchLibraryPath to the torch/lib folder of a PyTorch {TorchVersionFile.Wanted} installation, or leave it out to use the libtorch package.";
        }

        if (loadFailed && OperatingSystem.IsLinux())
        {
            yield return "Install the C++ runtime, version 12 or newer (Debian and Ubuntu: apt-get install libstdc++6; RHEL: dnf install libstdc++). musl systems such as Alpine are not supported.";
        }
        else if (loadFailed && OperatingSystem.IsWindows())
        {
            yield return "Install the Microsoft Visual C++ 2015-2022 redistributable (x64).";
        }
    }
}
