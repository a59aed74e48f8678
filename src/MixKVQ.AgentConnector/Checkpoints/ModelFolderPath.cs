namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Sees that the files of a model folder, which is untrusted, are files and lie in it.</summary>
internal static class ModelFolderPath
{
    /// <summary>The path of a file directly in the folder, whose name one of the folder's own files gives.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="name">A file name without folders.</param>
    /// <param name="source">The file that gives the name, for errors.</param>
    /// <exception cref="InvalidDataException">The name leads, or links, out of the folder, or to no file.</exception>
    public static string Resolve(string folder, string name, string source)
    {
        string quoted = SafetensorsEntryReader.Quote(name);
        if (name.Length is 0 or > 255 || name is "." or ".." || name.AsSpan().IndexOfAny("/\\:\0") >= 0)
        {
            throw new InvalidDataException($"{source} names the file {quoted}; only plain names of files in its own folder are read.");
        }

        string path = Path.GetFullPath(Path.Combine(folder, name));
        if (!File.Exists(path))
        {
            throw new InvalidDataException($"{source} names the file {quoted}, which is not in its folder; download the checkpoint again.");
        }

        RequireOwnFile(path);
        return path;
    }

    /// <summary>Checks an existing file before it is opened, and gives its length.</summary>
    /// <param name="path">A file in a model folder; a link may lead to another in it, or into the Hugging Face cache entry that the folder is part of.</param>
    /// <exception cref="InvalidDataException">It is a link to elsewhere, it is empty, or it is no file but a pipe or a device.</exception>
    public static long RequireOwnFile(string path)
    {
        string folder = RealPath.Of(Path.GetDirectoryName(Path.GetFullPath(path))!);
        string target = RealPath.Of(path);
        if (!IsWithin(target, folder) && !IsWithin(target, BlobsBeside(folder)))
        {
            throw new InvalidDataException($"{path} is a link out of its folder, to {target}; put the file itself there.");
        }

        // Pipes and devices have no length either, and opening one could wait for ever.
        return new FileInfo(target) is { Exists: true, Length: > 0 and long length }
            ? length
            : throw new InvalidDataException($"{path} is empty, or no regular file but a pipe or a device; fetch the file anew.");
    }

    /// <summary>The folder of the Hugging Face cache where models--x/snapshots/{revision}/{name} links to models--x/blobs/{hash}, or null.</summary>
    private static string? BlobsBeside(string folder) =>
        Path.GetDirectoryName(folder) is { } snapshots && Path.GetFileName(snapshots) == "snapshots" && Path.GetDirectoryName(snapshots) is { } entry
            ? Path.Combine(entry, "blobs")
            : null;

    private static bool IsWithin(string path, string? folder) =>
        folder is not null && path.StartsWith(Path.EndsInDirectorySeparator(folder) ? folder : folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);
}
