using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Checkpoints;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>Conversations under a memory budget that does not hold them all.</summary>
public sealed class MemoryPressureTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task ManyConversationsInABudgetForAFew_SayTheSameAsWithoutALimit(bool atOnce, bool toDisk)
    {
        const int count = 50;
        const int fitting = 10;
        using var folder = new ModelFolder();
        var model = new ScriptedModel(Answer);
        var factory = (ScriptedSequenceFactory)model.Sequences;
        long limit = fitting * factory.BytesToHold(0, 700);
        long most = 0;
        model.OnStep = _ => most = Math.Max(most, factory.HeldBytes);
        using MixKvqChatClient client = model.CreateClient(options =>
        {
            options.Stateful = true;
            options.MaxOutputTokens = 60;
            options.Cache.MemoryBudget = $"{limit}B";
            options.Cache.SpillDirectory = toDisk ? folder.File("conversations") : null;
        });
        string?[] ids = new string?[count];
        for (int turn = 0; turn < 3; turn++)
        {
            IEnumerable<Task> turns = Enumerable.Range(0, count).Select(i => TakeTurnAsync(i, turn));
            if (atOnce)
            {
                await Task.WhenAll(turns);
            }
            else
            {
                foreach (Task one in turns)
                {
                    await one;
                }
            }
        }

        Assert.InRange(most, limit / 2, limit);
        ConversationCacheReport report = await client.Conversations.GetReportAsync(Cancellation);
        Assert.Equal(count, report.ConversationCount);
        Assert.InRange(report.MemoryBytes, 1, limit);

        async Task TakeTurnAsync(int i, int turn)
        {
            string text = $"{(turn == 0 ? string.Concat(Enumerable.Repeat($"fact {i} ", 50)) : "")}question {i} {turn}?";
            ChatResponse response = await client.GetResponseAsync(text, new ChatOptions { ConversationId = ids[i] }, Cancellation);
            ids[i] = response.ConversationId;
            Assert.Equal($"answer {i} {turn} after {turn + 1}", response.Text);
            if (toDisk && turn > 0)
            {
                Assert.InRange(response.Usage!.AdditionalCounts![MixKvqMetadata.PrefilledTokens], 1, 127);
            }
        }
    }

    [Fact]
    public async Task ATurnThatNeedsMoreThanTheWholeBudget_IsRefusedBeforeItStarts_AndNothingChanges()
    {
        var model = new ScriptedModel(_ => "Yes.");
        using MixKvqChatClient client = model.CreateClient(options => (options.Stateful, options.Cache.MemoryBudget) = (true, "2KiB"));
        ChatResponse first = await client.GetResponseAsync("Short?", cancellationToken: Cancellation);
        var inIt = new ChatOptions { ConversationId = first.ConversationId };
        InsufficientMemoryException refusal = await Assert.ThrowsAsync<InsufficientMemoryException>(() => client.GetResponseAsync(new string('x', 2000), inIt, Cancellation));
        Assert.Contains("2 KiB", refusal.Message, StringComparison.Ordinal);
        Assert.Single(model.SeenPrompts);
        Assert.Equal("Yes.", (await client.GetResponseAsync("Still here?", inIt, Cancellation)).Text);
    }

    [Fact]
    public async Task PinnedConversations_StayInMemory()
    {
        var model = new ScriptedModel(_ => "Yes.");
        using MixKvqChatClient client = model.CreateClient(options => (options.Stateful, options.Cache.MemoryBudget) = (true, "4KiB"));
        string pinned = (await client.GetResponseAsync(new string('p', 300), cancellationToken: Cancellation)).ConversationId!;
        await client.Conversations.PinAsync(pinned, Cancellation);
        for (int i = 0; i < 8; i++)
        {
            await client.GetResponseAsync(new string((char)('a' + i), 300), cancellationToken: Cancellation);
        }

        IReadOnlyList<ConversationInfo> all = await client.Conversations.ListAsync(Cancellation);
        Assert.Equal(CachePlace.Memory, all.Single(conversation => conversation.Id == pinned).Place);
        Assert.Contains(all, conversation => conversation.Place == CachePlace.None);
        await client.Conversations.PinAsync(all[0].Id, Cancellation);
        InsufficientMemoryException refusal = await Assert.ThrowsAsync<InsufficientMemoryException>(() => client.GetResponseAsync(new string('z', 300), cancellationToken: Cancellation));
        Assert.Contains("unpin", refusal.Message, StringComparison.Ordinal);
        await client.Conversations.UnpinAsync(pinned, Cancellation);
        Assert.Equal("Yes.", (await client.GetResponseAsync(new string('z', 300), cancellationToken: Cancellation)).Text);
        Assert.NotEqual(CachePlace.Memory, (await client.Conversations.FindAsync(pinned, Cancellation))!.Place);
    }

    [Fact]
    public async Task ATurnThatFitsAlone_IsTaken_BesideALongCacheOfWhichItSharesLittle()
    {
        // Each fits the budget; both do not.
        string common = string.Concat(Enumerable.Range(0, 60).Select(i => $"fact {i} "));
        var model = new ScriptedModel(_ => "Yes.");
        using MixKvqChatClient client = model.CreateClient(options => (options.Stateful, options.MaxOutputTokens, options.Cache.MemoryBudget) = (true, 10, "8KiB"));
        string first = (await client.GetResponseAsync($"{common}{Filler('a')}", cancellationToken: Cancellation)).ConversationId!;
        ChatResponse second = await client.GetResponseAsync($"{common}{Filler('b')}", cancellationToken: Cancellation);
        Assert.Equal("Yes.", second.Text);
        Assert.Equal(CachePlace.None, (await client.Conversations.FindAsync(first, Cancellation))!.Place);
        Assert.Equal("Yes.", (await client.GetResponseAsync("And?", new ChatOptions { ConversationId = first }, Cancellation)).Text);

        static string Filler(char letter) => string.Concat(Enumerable.Range(0, 200).Select(i => $"{letter} {i} "));
    }

    [Fact]
    public async Task ALongCacheOfWhichATurnSharesLittle_MayLeaveMemoryWhileTheTurnRuns()
    {
        string common = string.Concat(Enumerable.Range(0, 60).Select(i => $"fact {i} "));
        var model = new ScriptedModel(_ => "Yes, this is an answer of some length.");
        var factory = (ScriptedSequenceFactory)model.Sequences;
        using MixKvqChatClient client = model.CreateClient(options => (options.Stateful, options.MaxOutputTokens, options.Cache.MemoryBudget) = (true, 60, "8.5KiB"));
        string first = (await client.GetResponseAsync(common + new string('a', 900), cancellationToken: Cancellation)).ConversationId!;
        await using IAsyncEnumerator<ChatResponseUpdate> second = client.GetStreamingResponseAsync($"{common}b", cancellationToken: Cancellation).GetAsyncEnumerator(Cancellation);
        await second.MoveNextAsync();

        // It takes what the first one held.
        Assert.NotEmpty((await client.GetResponseAsync(new string('c', 900), cancellationToken: Cancellation)).Text);
        Assert.Equal(CachePlace.None, (await client.Conversations.FindAsync(first, Cancellation))!.Place);
        while (await second.MoveNextAsync())
        {
            Assert.InRange(factory.HeldBytes, 1, 17 << 9);
        }
    }

    private static string Answer(string prompt)
    {
        string[] questions = [.. prompt.Split("question ").Skip(1).Select(part => part.Split('?')[0])];
        return $"answer {questions[^1]} after {questions.Length}";
    }
}
