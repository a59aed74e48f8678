using System.Reflection;

namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>The kernels' source texts, which this assembly carries.</summary>
internal static class KernelSources
{
    private const string HeaderExtension = ".cuh";
    private static readonly Assembly Carrier = typeof(KernelSources).Assembly;

    /// <summary>Every header's file name and text, in the names' order.</summary>
    public static IReadOnlyList<(string Name, string Text)> Headers { get; } = [.. Names(HeaderExtension).Select(name => (name, Read(name)))];

    /// <summary>Every program's file name without extension, in order.</summary>
    public static IReadOnlyList<string> Programs { get; } = [.. Names(".cu").Select(Path.GetFileNameWithoutExtension).OfType<string>()];

    /// <summary>A program's text.</summary>
    /// <param name="file">The file's name without extension.</param>
    /// <exception cref="ArgumentException">There is no such program.</exception>
    public static string Program(string file) =>
        Programs.Contains(file) ? Read(file + ".cu") : throw new ArgumentException($"This assembly carries no {file}.cu.", nameof(file));

    private static IEnumerable<string> Names(string extension) =>
        Carrier.GetManifestResourceNames().Where(name => name.EndsWith(extension, StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static string Read(string name)
    {
        using StreamReader reader = new(Carrier.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
