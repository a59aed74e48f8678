namespace PlannerAgent;

/// <summary>Finds the embedded planner model.</summary>
internal static class ModelFolder
{
    private static readonly string RelativePath = Path.Combine("samples", "model");

    /// <summary>The folder given, or <c>samples/model</c> in a folder above this program or the current folder.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder, or it holds no model.</exception>
    public static string Find(string? given)
    {
        if (given is not null)
        {
            return HoldsModel(given) ? given : throw new DirectoryNotFoundException($"The folder '{given}' holds no config.json; pass a model's folder to --model.");
        }

        return Above(AppContext.BaseDirectory).Concat(Above(Environment.CurrentDirectory))
            .Select(folder => Path.Combine(folder, RelativePath))
            .FirstOrDefault(HoldsModel)
            ?? throw new DirectoryNotFoundException($"There is no {RelativePath} above {AppContext.BaseDirectory} or the current folder; pass a model's folder to --model.");
    }

    private static bool HoldsModel(string folder) => File.Exists(Path.Combine(folder, "config.json"));

    private static IEnumerable<string> Above(string folder)
    {
        for (DirectoryInfo? current = new(folder); current is not null; current = current.Parent)
        {
            yield return current.FullName;
        }
    }
}
