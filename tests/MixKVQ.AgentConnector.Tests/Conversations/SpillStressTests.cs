using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>Many callers at once, in a budget for a few of them, with a folder: every answer is right, and nothing is left behind.</summary>
public sealed class SpillStressTests : IDisposable
{
    private const int Callers = 8;
    private const int Steps = 40;
    private const long Budget = 40 * ScriptedSequenceFactory.PieceBytes;

    private static readonly TimeSpan StuckAfter = TimeSpan.FromMinutes(3);

    private readonly SpillFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 2)]
    [InlineData(true, 3)]
    [InlineData(false, 4)]
    [InlineData(false, 5)]
    [InlineData(false, 6)]
    public async Task CallersOfAllKinds_GetTheirAnswersWithinTheBudget(bool isStateful, int seed)
    {
        ScriptedModel model = SpillFolder.NewModel();
        var factory = (ScriptedSequenceFactory)model.Sequences;
        long most = 0;
        model.OnStep = _ => most = Math.Max(most, factory.HeldBytes);
        StressCaller[] callers;
        await using (MixKvqChatClient client = Open(model, isStateful))
        {
            callers = [.. Enumerable.Range(0, Callers).Select(i => new StressCaller(client, isStateful, $"{(char)('a' + i)}", seed * 100 + i))];
            await Task.WhenAll(callers.Select(caller => Task.Run(() => caller.RunAsync(Steps, Cancellation), Cancellation))).WaitAsync(StuckAfter, Cancellation);
        }

        factory.Pool.CheckIntegrity();
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{callers.Sum(caller => caller.Answered)} answered, {callers.Sum(caller => caller.GivenUp)} given up, {callers.Sum(caller => caller.Refused)} refused, {most} of {Budget} bytes, {_folder.Log.Lines.Count(line => line.Contains("came back", StringComparison.Ordinal))} came back.");
        Assert.Equal((0, 0, 0L), (model.LiveSequences, factory.Pool.LivePageCount, factory.HeldBytes));
        Assert.InRange(most, Budget / 2, Budget);
        Assert.True(callers.Sum(caller => caller.Answered) > Callers * Steps / 4);
        Assert.Contains(_folder.Log.Lines, line => line.Contains("came back from disk", StringComparison.Ordinal));
        await RequireReopensAsync(isStateful, callers);
    }

    /// <summary>The next process finds every conversation that the callers count on, as they left it, and their files only.</summary>
    private async Task RequireReopensAsync(bool isStateful, StressCaller[] callers)
    {
        await using MixKvqChatClient later = Open(SpillFolder.NewModel(), isStateful);
        IReadOnlyList<ConversationInfo> found = await later.Conversations.ListAsync(Cancellation);
        Assert.Empty(_folder.Warnings);
        Assert.Equal(found.Count, Directory.GetFiles(_folder.Path, "*.mixkvq").Length);
        Assert.All(found, conversation => Assert.NotEqual(CachePlace.None, conversation.Place));
        foreach (StressDialogue dialogue in callers.SelectMany(caller => caller.Dialogues).Where(dialogue => dialogue.Id is not null))
        {
            Assert.Equal(dialogue.History.Select(message => message.Text), (await later.Conversations.GetMessagesAsync(dialogue.Id!, Cancellation)).Select(message => message.Text));
            ChatResponse response = await SpillFolder.AskAsync(later, dialogue.Id!, "last");
            Assert.EndsWith(" last", response.Text, StringComparison.Ordinal);
            Assert.InRange(SpillFolder.Prefilled(response), 1, 127 + 60);
        }
    }

    private MixKvqChatClient Open(ScriptedModel model, bool isStateful) => _folder.Open(
        model, options => (options.Stateful, options.MaxOutputTokens, options.Cache.MemoryBudget) = (isStateful, 120, $"{Budget}B"));
}
