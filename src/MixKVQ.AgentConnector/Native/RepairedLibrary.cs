using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace MixKVQ.AgentConnector.Native;

/// <summary>
/// Loads a copy of TorchSharp's native library in which the requirement of GLIBCXX_3.4.32 is weak.
/// </summary>
/// <remarks>
/// TorchSharp 0.107's <c>libLibTorchSharp.so</c> was linked against GCC 13's libstdc++ and asks for GLIBCXX_3.4.32
/// because of one symbol, <c>std::ios_base_library_init()</c>, that nothing in it relocates against. Debian 12, Ubuntu
/// 22.04 and RHEL 9 carry an older libstdc++ with everything that is called. The file on disk is never changed.
/// </remarks>
internal static class RepairedLibrary
{
    public const string Library = "libstdc++.so.6";
    public const string Version = "GLIBCXX_3.4.32";

    /// <summary>Loads the repaired copy from memory, or where that is not possible from a private temporary folder.</summary>
    /// <param name="path">The original file; read only.</param>
    /// <param name="attempts">Receives one line for each thing that was tried and failed.</param>
    /// <returns>The library's handle, or 0.</returns>
    public static nint Load(string path, LoadAttempts attempts)
    {
        byte[] image;
        try
        {
            image = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            attempts.Add($"a repaired copy of {path}", error.Message);
            return 0;
        }

        if (!ElfVersionRequirements.TryMarkWeak(image, Library, Version, out string? fault))
        {
            attempts.Add($"a repaired copy of {path}", $"nothing to repair: {fault}");
            return 0;
        }

        nint handle = LoadFromMemory(image, Path.GetFileName(path), attempts);
        return handle != 0 ? handle : LoadFromPrivateFolder(image, Path.GetFileName(path), attempts);
    }

    /// <summary>Loads the image from a file that has no name, so nothing is left on disk.</summary>
    internal static nint LoadFromMemory(byte[] image, string name, LoadAttempts attempts)
    {
        try
        {
            using SafeFileHandle file = LinuxFiles.CreateAnonymous(name);
            RandomAccess.Write(file, image, fileOffset: 0);
            string path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{file.DangerousGetHandle()}");
            return attempts.TryLoad(path, $"a repaired copy of {name} in memory");
        }
        catch (IOException error)
        {
            attempts.Add($"a repaired copy of {name} in memory", error.Message);
            return 0;
        }
    }

    /// <summary>Loads the image from a new folder that only this user can enter, and removes the folder again.</summary>
    internal static nint LoadFromPrivateFolder(byte[] image, string name, LoadAttempts attempts)
    {
        string? folder = null;
        try
        {
            // Mode 0700, and a name that nobody can foresee.
            folder = Directory.CreateTempSubdirectory("mixkvq-").FullName;
            string path = Path.Combine(folder, name);
            File.WriteAllBytes(path, image);
            return attempts.TryLoad(path, $"a repaired copy at {path}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            attempts.Add($"a repaired copy of {name} in {folder ?? Path.GetTempPath()}", error.Message);
            return 0;
        }
        finally
        {
            // The mapping outlives the name.
            if (folder is not null)
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }
}
