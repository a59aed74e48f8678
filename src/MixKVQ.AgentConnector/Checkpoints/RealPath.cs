namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>Follows the links of a path, of its folders too.</summary>
internal static class RealPath
{
    // As many as Linux follows.
    private const int MaxLinks = 40;

    /// <summary>The path without links; parts that do not exist are taken as they are.</summary>
    /// <exception cref="InvalidDataException">Links lead in a circle, or through too many others.</exception>
    public static string Of(string path)
    {
        string full = Path.GetFullPath(path);
        string real = Path.GetPathRoot(full)!;
        var rest = new Stack<string>(Parts(full[real.Length..]));
        int links = 0;
        while (rest.TryPop(out string? part))
        {
            if (part == "..")
            {
                real = Path.GetDirectoryName(real) ?? real;
                continue;
            }

            string next = Path.Combine(real, part);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > MaxLinks)
            {
                throw new InvalidDataException($"{path} is a link through more than {MaxLinks} others, perhaps in a circle; put the file itself there.");
            }

            if (Path.IsPathRooted(target))
            {
                real = Path.GetPathRoot(target)!;
                target = target[real.Length..];
            }

            foreach (string linked in Parts(target))
            {
                rest.Push(linked);
            }
        }

        return real;
    }

    /// <summary>Last first, without those that mean the same folder.</summary>
    private static IEnumerable<string> Parts(string path) =>
        path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".").Reverse();
}
