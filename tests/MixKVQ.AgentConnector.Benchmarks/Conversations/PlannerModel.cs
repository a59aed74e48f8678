namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>The embedded planner model.</summary>
internal static class PlannerModel
{
    /// <summary>Its folder in the repository that this program was built in.</summary>
    public static string Folder { get; } = Find();

    private static string Find()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            string candidate = Path.Combine(folder, "samples", "model");
            if (Directory.Exists(candidate))
            {
                return candidate;
            }
        }

        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} has samples/model; run the benchmark from the repository.");
    }
}
