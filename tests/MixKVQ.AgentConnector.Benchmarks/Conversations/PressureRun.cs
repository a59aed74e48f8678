using System.Diagnostics;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Hosting;
using MixKVQ.AgentConnector.Tests.Checkpoints;

namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>Many conversations that take turns, round after round, in one memory.</summary>
/// <param name="modelFolder">The model.</param>
internal sealed class PressureRun(string modelFolder)
{
    /// <summary>How many conversations there are.</summary>
    public const int Conversations = 200;

    private const int Tokens = 1900;

    // The last one is all at once.
    private const int Rounds = 4;

    private static readonly string[] Questions = ["", "What is the code of Riga?", "Check the stock of tin.", HistoryText.Question];

    private readonly string[] _histories = [.. Enumerable.Range(0, Conversations).Select(i => new HistoryText(modelFolder).Write(Tokens, seed: 10 + i))];

    /// <summary>Takes all turns.</summary>
    /// <param name="budget">The memory for all caches, in bytes; null for no limit.</param>
    /// <param name="toDisk">Whether there is a folder for conversations.</param>
    public async Task<PressureResult> RunAsync(long? budget, bool toDisk)
    {
        using var folder = new ModelFolder();
        using var log = new CacheLog();
        var options = new MixKvqOptions { ModelPath = modelFolder, Stateful = true };
        options.Cache.MemoryBudget = budget is { } bytes ? $"{bytes}B" : "100%";
        options.Cache.SpillDirectory = toDisk ? folder.File("conversations") : null;
        var model = ModelRuntime.Load(options, log);
        var peak = new PeakBytes(model.Caches);
        await using var client = new MixKvqChatClient(options, log, () => Task.FromResult<IChatModel>(new SampledModel(model, peak)), TimeProvider.System);
        await client.WarmUpAsync(CancellationToken.None);

        string?[] ids = new string?[Conversations];
        string[] texts = new string[Rounds * Conversations];
        long prefilled = 0;
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < (Rounds - 1) * Conversations; i++)
        {
            await TakeAsync(i);
        }

        Cell.Progress($"three rounds, at most {Cell.KiB(peak.Value)} KiB, {log.Evictions} evictions, {log.RestoreMilliseconds.Count} restores");
        TimeSpan oneByOne = Stopwatch.GetElapsedTime(start);
        start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range((Rounds - 1) * Conversations, Conversations).Select(TakeAsync));
        TimeSpan atOnce = Stopwatch.GetElapsedTime(start);
        Cell.Progress($"a round at once, at most {Cell.KiB(peak.Value)} KiB, {log.Evictions} evictions, {log.RestoreMilliseconds.Count} restores");
        ConversationCacheReport report = await client.Conversations.GetReportAsync();
        return new PressureResult(texts, oneByOne, atOnce, prefilled, report.MemoryBytes, peak.Value, log.Evictions, log.RestoreMilliseconds);

        async Task TakeAsync(int turn)
        {
            (int round, int i) = Math.DivRem(turn, Conversations);
            TimedTurn taken = await TimedTurn.AskAsync(client, ids[i], round == 0 ? _histories[i] : Questions[round]);
            ids[i] = taken.ConversationId;
            texts[turn] = taken.Text;
            Interlocked.Add(ref prefilled, taken.PrefilledTokens);
        }
    }
}
