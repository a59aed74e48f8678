using System.Diagnostics;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Checkpoints;

namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>Prints what many agents with one system prompt hold together.</summary>
internal static class AgentTable
{
    private const int Agents = 100;

    private const int PromptTokens = 1500;

    /// <summary>Measures and prints.</summary>
    /// <param name="modelFolder">The model.</param>
    public static async Task PrintAsync(string modelFolder)
    {
        string prompt = new HistoryText(modelFolder).Write(PromptTokens, seed: 3);
        PrintedTable.Print(
            [$"{Agents} agents, a system prompt of {PromptTokens} tokens", "in memory, KiB", "if nothing were shared, KiB", "in 16 bit, KiB", "on disk, KiB", "bits an element", "tokens read", "seconds"],
            [await RunAsync(modelFolder, prompt, atOnce: false), await RunAsync(modelFolder, prompt, atOnce: true)]);
    }

    private static async Task<string[]> RunAsync(string modelFolder, string prompt, bool atOnce)
    {
        using var folder = new ModelFolder();
        var options = new MixKvqOptions { ModelPath = modelFolder, Stateful = true };
        options.Cache.SpillDirectory = folder.File("conversations");
        await using var client = new MixKvqChatClient(options);
        await client.WarmUpAsync(CancellationToken.None);
        long start = Stopwatch.GetTimestamp();
        List<TimedTurn> turns = [];
        if (atOnce)
        {
            turns.AddRange(await Task.WhenAll(Enumerable.Range(0, Agents).Select(AskAsync)));
        }
        else
        {
            for (int i = 0; i < Agents; i++)
            {
                turns.Add(await AskAsync(i));
            }
        }

        TimeSpan took = Stopwatch.GetElapsedTime(start);
        ConversationCacheReport report = await client.Conversations.GetReportAsync();
        Cell.Progress(atOnce ? "all at once" : "one after another");
        return
        [
            atOnce ? "all at once" : "one after another",
            Cell.KiB(report.MemoryBytes), Cell.KiB(report.UnsharedBytes), Cell.KiB(report.FullPrecisionBytes), Cell.KiB(report.DiskBytes),
            Cell.Number(report.BitsPerElement, "F2"), Cell.Number(turns.Sum(turn => turn.PrefilledTokens)), Cell.Number(took.TotalSeconds, "F1"),
        ];

        Task<TimedTurn> AskAsync(int i) =>
            TimedTurn.TakeAsync(client, null, new ChatMessage(ChatRole.System, prompt), new ChatMessage(ChatRole.User, $"Check the stock of tin. We need {100 + i} of it."));
    }
}
