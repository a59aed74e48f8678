using System.Text.RegularExpressions;

namespace MixKVQ.AgentConnector.Native;

/// <summary>The version a PyTorch installation states in <c>torch/version.py</c>, beside its <c>torch/lib</c>.</summary>
internal static partial class TorchVersionFile
{
    /// <summary>What is accepted, for messages.</summary>
    public const string Wanted = "2.10 or 2.11";

    /// <summary>The libtorch that TorchSharp 0.107 is built for, and the next, with which it was found to work; the C++ interface changes from one minor version to the next.</summary>
    private static readonly string[] Accepted = ["2.10", "2.11"];

    /// <summary>The stated version such as <c>2.10.0+cpu</c>, or null when there is no such file or it states none.</summary>
    public static string? Read(string torchLibraryPath)
    {
        string? parent = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(torchLibraryPath)));
        string path = Path.Combine(parent ?? string.Empty, "version.py");
        if (!File.Exists(path))
        {
            return null;
        }

        // The file is a few hundred bytes; whatever is longer is not it.
        string? line = File.ReadLines(path).Take(100).FirstOrDefault(text => VersionLine().IsMatch(text));
        return line is null ? null : VersionLine().Match(line).Groups[1].Value;
    }

    /// <summary>Whether TorchSharp works with that libtorch.</summary>
    public static bool IsWanted(string version) =>
        Accepted.Any(wanted => version == wanted || version.StartsWith(wanted + ".", StringComparison.Ordinal));

    [GeneratedRegex(@"^__version__\s*(?::[^=]*)?=\s*['""]([^'""]+)['""]", RegexOptions.CultureInvariant)]
    private static partial Regex VersionLine();
}
