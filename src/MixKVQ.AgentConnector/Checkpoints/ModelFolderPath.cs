namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Resolves file names that a model folder's own, untrusted files give.</summary>
internal static class ModelFolderPath
{
    /// <summary>The path of a file directly in the folder.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="name">A file name without folders; a link may lead to a file of the folder or of the Hugging Face cache entry that it is part of.</param>
    /// <param name="source">The file that gives the name, for errors.</param>
    /// <exception cref="InvalidDataException">The name leads, or links, out of the folder, or to no file.</exception>
    public static string Resolve(string folder, string name, string source)
    {
        string quoted = SafetensorsEntryReader.Quote(name);
        if (name.Length is 0 or > 255 || name is "." or ".." || name.AsSpan().IndexOfAny("/\\:\0") >= 0)
        {
            throw new InvalidDataException($"{source} names the file {quoted}; only plain names of files in its own folder are read.");
        }

        var file = new FileInfo(Path.Combine(folder, name));
        if (!file.Exists)
        {
            throw new InvalidDataException($"{source} names the file {quoted}, which is not in its folder; download the checkpoint again.");
        }

        if (file.LinkTarget is not null && !IsAllowed(folder, file.ResolveLinkTarget(returnFinalTarget: true)?.FullName))
        {
            throw new InvalidDataException($"{source} names the file {quoted}, a link out of its folder; put the file itself there.");
        }

        return file.FullName;
    }

    private static bool IsAllowed(string folder, string? target)
    {
        string home = Path.GetFullPath(folder);
        if (target is null || Path.GetDirectoryName(target) == Path.TrimEndingDirectorySeparator(home))
        {
            return target is not null;
        }

        // The Hugging Face cache: models--x/snapshots/<revision>/<name> links to models--x/blobs/<hash>.
        string snapshots = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(home)) ?? "";
        return Path.GetFileName(snapshots) == "snapshots"
            && Path.GetDirectoryName(target) == Path.Combine(Path.GetDirectoryName(snapshots) ?? "", "blobs");
    }
}
