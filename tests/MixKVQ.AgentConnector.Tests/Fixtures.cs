namespace MixKVQ.AgentConnector.Tests;

/// <summary>Finds the data that tests read in place, and skips a test, with the reason, where it is absent.</summary>
internal static class Fixtures
{
    /// <summary>The repository's root: the folder that holds the solution file.</summary>
    public static string RepositoryRoot { get; } = FindRepositoryRoot();

    /// <summary>The embedded planner model's folder.</summary>
    public static string EmbeddedModel => Path.Combine(RepositoryRoot, "samples", "model");

    /// <summary>A path below the shared fixtures; skips the calling test where it does not exist.</summary>
    public static string Shared(params string[] parts)
    {
        string path = Path.Combine([RepositoryRoot, "..", "shared", "fixtures", .. parts]);
        Assert.SkipUnless(File.Exists(path) || Directory.Exists(path), $"The shared fixture {Path.Combine(parts)} is not beside this repository.");
        return path;
    }

    private static string FindRepositoryRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "MixKVQ.AgentConnector.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds MixKVQ.AgentConnector.sln.");
    }
}
