namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>Prints how long the first update takes with the cache in different places, and what the cache takes there.</summary>
internal static class LatencyTables
{
    /// <summary>Measures a model with each length of history and prints two tables.</summary>
    /// <param name="modelFolder">The model.</param>
    /// <param name="lengths">Tokens of history, and how many turns each time is the median of.</param>
    public static async Task PrintAsync(string modelFolder, IEnumerable<(int Tokens, int Runs)> lengths)
    {
        List<LatencyResult> results = [];
        foreach ((int tokens, int runs) in lengths)
        {
            results.Add(await new LatencyRun(modelFolder, tokens, runs).RunAsync());
            Cell.Progress($"{tokens} tokens");
        }

        Console.WriteLine($"Milliseconds from the call to the first update, median; a question of {new HistoryText(modelFolder).Count(HistoryText.Question)} tokens.{Environment.NewLine}");
        PrintedTable.Print(
            ["history, tokens", "runs", "a: in memory", "b: evicted and back", "b: new client", "c: read anew", "c/a", "c/b", "c/b (new)", "tokens read in a, b, c", "a and b say the same", "c says the same"],
            results.Select(LatencyRow));
        PrintedTable.Print(
            ["history, tokens", "memory, KiB", "disk, KiB", "full precision, KiB", "bits an element"],
            results.Select(result => new[] { Cell.Number(result.Tokens), Cell.KiB(result.Memory), Cell.KiB(result.Disk), Cell.KiB(result.FullPrecision), Cell.Number(result.BitsPerElement, "F2") }));
    }

    private static string[] LatencyRow(LatencyResult result)
    {
        double retained = Median(result.Retained);
        double evicted = Median(result.Evicted);
        double restarted = Median(result.Restarted);
        double anew = Median(result.Anew);
        string text = result.Retained[0].Text;
        return
        [
            Cell.Number(result.Tokens), Cell.Number(result.Retained.Count),
            Cell.Number(retained, "F1"), Cell.Number(evicted, "F1"), Cell.Number(restarted, "F1"), Cell.Number(anew),
            Cell.Number(anew / retained, "F1"), Cell.Number(anew / evicted, "F1"), Cell.Number(anew / restarted, "F1"),
            $"{result.Retained[0].PrefilledTokens}, {result.Evicted[0].PrefilledTokens}, {result.Anew[0].PrefilledTokens}",
            result.Retained.Concat(result.Evicted).Concat(result.Restarted).All(turn => turn.Text == text) ? "yes" : "NO",
            Agreement(text, result.Anew),
        ];
    }

    private static string Agreement(string text, IReadOnlyList<TimedTurn> turns) =>
        turns.All(turn => turn.Text == text) ? "yes" : $"first {turns.Min(turn => turn.Text.AsSpan().CommonPrefixLength(text))} of {text.Length} characters";

    private static double Median(IReadOnlyList<TimedTurn> turns)
    {
        double[] sorted = [.. turns.Select(turn => turn.FirstUpdate.TotalMilliseconds).Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
