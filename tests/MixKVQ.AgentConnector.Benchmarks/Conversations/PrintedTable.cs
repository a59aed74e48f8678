namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>Prints tables that can be pasted into a document.</summary>
internal static class PrintedTable
{
    /// <summary>Prints a table.</summary>
    /// <param name="head">The names of the columns.</param>
    /// <param name="rows">The cells, row by row.</param>
    public static void Print(IReadOnlyList<string> head, IEnumerable<IReadOnlyList<string>> rows)
    {
        Console.WriteLine($"| {string.Join(" | ", head)} |");
        Console.WriteLine($"|{string.Concat(head.Select(_ => "---|"))}");
        foreach (IReadOnlyList<string> row in rows)
        {
            Console.WriteLine($"| {string.Join(" | ", row)} |");
        }

        Console.WriteLine();
    }
}
