namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>Prints what conversations do in a memory that holds every fifth of them.</summary>
internal static class PressureTable
{
    private const int Fitting = 40;

    /// <summary>Measures and prints.</summary>
    /// <param name="modelFolder">The model.</param>
    public static async Task PrintAsync(string modelFolder)
    {
        var run = new PressureRun(modelFolder);
        PressureResult unlimited = await run.RunAsync(budget: null, toDisk: false);
        long budget = unlimited.HeldBytes / PressureRun.Conversations * Fitting;
        PressureResult toDisk = await run.RunAsync(budget, toDisk: true);
        PressureResult forgetful = await run.RunAsync(budget, toDisk: false);
        PrintedTable.Print(
            ["", "no limit", $"room for {Fitting}, on disk", $"room for {Fitting}, no disk"],
            [
                Row("budget, KiB", result => result == unlimited ? "none" : Cell.KiB(budget)),
                Row("most held at any step, KiB", result => Cell.KiB(result.PeakBytes)),
                Row("answers the same as with no limit", result => $"{result.Texts.Zip(unlimited.Texts).Count(pair => pair.First == pair.Second)} of {result.Texts.Count}"),
                Row("caches that left memory", result => Cell.Number(result.Evictions)),
                Row("caches that came back from disk", result => Cell.Number(result.RestoreMilliseconds.Count)),
                Row("… each, ms on average", result => result.RestoreMilliseconds.Count == 0 ? "" : Cell.Number(result.RestoreMilliseconds.Average(), "F1")),
                Row("tokens read a second time", result => Cell.Number(result.PrefilledTokens - unlimited.PrefilledTokens)),
                Row("seconds, three rounds one by one", result => Cell.Number(result.OneByOne.TotalSeconds, "F1")),
                Row("seconds, one round all at once", result => Cell.Number(result.AtOnce.TotalSeconds, "F1")),
            ]);

        string[] Row(string name, Func<PressureResult, string> cell) => [name, cell(unlimited), cell(toDisk), cell(forgetful)];
    }
}
