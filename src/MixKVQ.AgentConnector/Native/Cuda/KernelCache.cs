using System.Security.Cryptography;
using System.Text;

namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>Compiled images on the disk, from process to process. Where the disk refuses, nothing is kept and nothing fails. Thread-safe.</summary>
/// <param name="folder">Made when the first image is kept; null keeps none.</param>
internal sealed class KernelCache(string? folder)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The cache of the user that runs the process, among the user's local application data.</summary>
    public static KernelCache OfUser()
    {
        string data = Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify);
        return new KernelCache(data.Length == 0 ? null : Path.Combine(data, "MixKVQ.AgentConnector", "kernels"));
    }

    /// <summary>The image that was kept under a key, or null where there is none, or what is there is damaged or another's.</summary>
    /// <param name="key">A file name without extension.</param>
    public byte[]? Find(string key)
    {
        if (folder is null)
        {
            return null;
        }

        try
        {
            byte[] file = File.ReadAllBytes(PathOf(folder, key));
            return file.Length > SHA256.HashSizeInBytes && Checksum(key, file.AsSpan(SHA256.HashSizeInBytes)).AsSpan().SequenceEqual(file.AsSpan(0, SHA256.HashSizeInBytes))
                ? file[SHA256.HashSizeInBytes..]
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps an image for its owner only: the file appears whole or not at all.</summary>
    /// <param name="key">A file name without extension.</param>
    /// <param name="image">Written behind its checksum.</param>
    public void Keep(string key, ReadOnlySpan<byte> image)
    {
        if (folder is null)
        {
            return;
        }

        string temporary = PathOf(folder, $"{key}-{Guid.NewGuid():N}");
        try
        {
            MakeFolder(folder);
            FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = OwnerOnly;
            }

            using (FileStream stream = new(temporary, options))
            {
                stream.Write(Checksum(key, image));
                stream.Write(image);
            }

            File.Move(temporary, PathOf(folder, key), overwrite: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Remove(temporary);
        }
    }

    private static void MakeFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
        }
        else
        {
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        }
    }

    private static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The disk refuses that too.
        }
    }

    private static string PathOf(string folder, string key) => Path.Combine(folder, key + ".image");

    /// <summary>Binds the image to its key, so that a file under a wrong name is found out.</summary>
    private static byte[] Checksum(string key, ReadOnlySpan<byte> image)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(key));
        hash.AppendData(image);
        return hash.GetHashAndReset();
    }
}
