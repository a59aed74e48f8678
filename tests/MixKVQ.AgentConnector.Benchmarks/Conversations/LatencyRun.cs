using MixKVQ.AgentConnector.Tests.Checkpoints;

namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>
/// Asks one question after one history, many times, with the cache in different places. Every turn has a fork of its own, which is dropped afterwards, so that none
/// finds what another read.
/// </summary>
/// <param name="modelFolder">The model.</param>
/// <param name="tokens">About how many tokens the history has.</param>
/// <param name="runs">How many turns are taken with each place.</param>
internal sealed class LatencyRun(string modelFolder, int tokens, int runs)
{
    // Its cache is larger than what a turn needs beside the cache it goes on from.
    private const int OtherTokens = 600;

    // Turns that are not counted: the first ones have code compiled.
    private const int WarmUps = 2;

    // The template and the first answer.
    private const int TemplateTokens = 40;

    private readonly Queue<string> _forks = new();
    private string _other = "";

    /// <summary>Measures.</summary>
    public async Task<LatencyResult> RunAsync()
    {
        using var folder = new ModelFolder();
        string conversations = folder.File("conversations");
        LatencyResult result;
        long otherBytes;
        await using (MixKvqChatClient client = await OpenAsync(conversations))
        {
            (result, otherBytes) = await BeginAsync(client);
            await TakeAsync(client, WarmUps);
            result = result with { Retained = await TakeAsync(client, runs) };
        }

        await using (MixKvqChatClient client = await OpenAsync(conversations, $"{result.Memory + otherBytes}B"))
        {
            result = result with { Evicted = await TakeAsync(client, runs, fork => EvictAsync(client, fork)) };
        }

        await using (MixKvqChatClient client = await OpenAsync(conversations))
        {
            result = result with { Restarted = await TakeAsync(client, runs) };
        }

        Directory.Delete(Path.Combine(conversations, "pages"), recursive: true);
        await using (MixKvqChatClient client = await OpenAsync(conversations))
        {
            return result with { Anew = await TakeAsync(client, runs) };
        }
    }

    private async Task<MixKvqChatClient> OpenAsync(string conversations, string? budget = null)
    {
        var options = new MixKvqOptions { ModelPath = modelFolder, Stateful = true };
        (options.Cache.SpillDirectory, options.Cache.MemoryBudget) = (conversations, budget ?? options.Cache.MemoryBudget);
        var client = new MixKvqChatClient(options);
        await client.WarmUpAsync(CancellationToken.None);
        return client;
    }

    private async Task<(LatencyResult Result, long OtherBytes)> BeginAsync(MixKvqChatClient client)
    {
        var text = new HistoryText(modelFolder);
        string id = (await TimedTurn.AskAsync(client, null, text.Write(tokens - TemplateTokens, seed: 1))).ConversationId;
        ConversationInfo history = (await client.Conversations.FindAsync(id))!;
        ConversationCacheReport report = await client.Conversations.GetReportAsync();
        _other = (await TimedTurn.AskAsync(client, null, text.Write(OtherTokens, seed: 2))).ConversationId;
        for (int i = 0; i < WarmUps + 4 * runs; i++)
        {
            _forks.Enqueue(await client.Conversations.ForkAsync(id));
        }

        await client.Conversations.DropAsync(id);
        long otherBytes = (await client.Conversations.FindAsync(_other))!.CacheBytes;
        return (new LatencyResult(history.TokenCount, history.CacheBytes, report.DiskBytes, report.FullPrecisionBytes, history.BitsPerElement, [], [], [], []), otherBytes);
    }

    private async Task<IReadOnlyList<TimedTurn>> TakeAsync(MixKvqChatClient client, int count, Func<string, Task>? prepare = null)
    {
        var turns = new List<TimedTurn>();
        for (int i = 0; i < count; i++)
        {
            string fork = _forks.Dequeue();
            await (prepare?.Invoke(fork) ?? Task.CompletedTask);
            turns.Add(await TimedTurn.AskAsync(client, fork, HistoryText.Question));
            await client.Conversations.DropAsync(fork);
        }

        return turns;
    }

    /// <summary>Has a cache in memory and then leave it for the other conversation's.</summary>
    private async Task EvictAsync(MixKvqChatClient client, string fork)
    {
        foreach (string id in new[] { fork, _other })
        {
            await client.Conversations.PinAsync(id);
            await client.Conversations.UnpinAsync(id);
        }

        if ((await client.Conversations.FindAsync(fork))!.Place != CachePlace.Disk)
        {
            throw new InvalidOperationException($"The cache of {fork} should have left memory for the disk.");
        }
    }
}
