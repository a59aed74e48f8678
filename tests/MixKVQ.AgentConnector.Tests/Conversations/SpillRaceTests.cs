using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>What happens while a conversation is written, or waited for.</summary>
public sealed class SpillRaceTests : IDisposable
{
    private readonly SpillFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    /// <summary>A state that was forked, and replaced while its file was written, must not count on that file: it has what came after.</summary>
    [Fact]
    public async Task AForkOfAConversationThatGoesOnWhileItIsWritten_ComesBackAsItWas()
    {
        using var mayWrite = new ManualResetEventSlim(initialState: true);
        ScriptedModel model = SpillFolder.NewModel();
        model.OnWrite = () => mayWrite.Wait(TimeSpan.FromMinutes(1), Cancellation);
        using MixKvqChatClient client = _folder.Open(model, options => (options.Stateful, options.MaxOutputTokens, options.Cache.MemoryBudget) = (false, 60, "24KiB"));
        List<ChatMessage> history = [new(ChatRole.User, SpillFolder.First())];
        history.AddRange((await client.GetResponseAsync(history, cancellationToken: Cancellation)).Messages);
        string first = Assert.Single(await client.Conversations.ListAsync(Cancellation)).Id;

        mayWrite.Reset();
        history.Add(new(ChatRole.User, "question 2?"));
        Task<ChatResponse> second = client.GetResponseAsync(history, cancellationToken: Cancellation);
        await WaitUntilAsync(async () => (await client.Conversations.FindAsync(first, Cancellation))!.MessageCount == 4);
        Task<string> forking = client.Conversations.ForkAsync(first, cancellationToken: Cancellation);
        await WaitUntilAsync(async () => (await client.Conversations.ListAsync(Cancellation)).Count == 2);
        ChatMessage[] longer = [.. history, new(ChatRole.Assistant, "1 2"), new(ChatRole.User, $"{new string('w', 300)} question 3?")];
        Task<ChatResponse> third = client.GetResponseAsync(longer, cancellationToken: Cancellation);
        await WaitUntilAsync(async () => (await client.Conversations.FindAsync(first, Cancellation))!.MessageCount == 6);
        mayWrite.Set();
        await Task.WhenAll(second, forking, third);

        // Others take all the memory, so that the fork has to come back from disk.
        for (int i = 0; i < 16; i++)
        {
            await client.GetResponseAsync(SpillFolder.First($"{i}"), cancellationToken: Cancellation);
        }

        string fork = await forking;
        Assert.Equal(CachePlace.Disk, (await client.Conversations.FindAsync(fork, Cancellation))!.Place);
        Assert.Equal("1 2 4", (await SpillFolder.AskAsync(client, fork, "4")).Text);
        Assert.Equal("1 2 4", TextSeen(model));
    }

    [Fact]
    public async Task ATurnThatWaitsForAConversationThatIsDropped_IsToldThatThereIsNone()
    {
        using var mayAnswer = new ManualResetEventSlim(initialState: true);
        ScriptedModel model = SpillFolder.NewModel();
        model.OnStep = _ => mayAnswer.Wait(TimeSpan.FromMinutes(1), Cancellation);
        using MixKvqChatClient client = _folder.Open(model);
        string id = await SpillFolder.BeginAsync(client);
        mayAnswer.Reset();
        Task<ChatResponse> running = SpillFolder.AskAsync(client, id, "3");
        await WaitUntilAsync(async () => (await client.Conversations.FindAsync(id, Cancellation))!.IsInUse);
        Task dropping = client.Conversations.DropAsync(id, Cancellation);
        Task<ChatResponse> waiting = SpillFolder.AskAsync(client, id, "4");
        Task<string> forking = client.Conversations.ForkAsync(id, cancellationToken: Cancellation);
        mayAnswer.Set();
        Assert.Equal("1 2 3", (await running).Text);
        await dropping;
        Assert.Contains(id, (await Assert.ThrowsAsync<ArgumentException>(() => waiting)).Message, StringComparison.Ordinal);
        Assert.Contains(id, (await Assert.ThrowsAsync<ArgumentException>(() => forking)).Message, StringComparison.Ordinal);
        Assert.Equal(0, model.LiveSequences);
    }

    [Fact]
    public async Task TwoClientsOneAfterTheOther_LeaveNothingBehind()
    {
        ScriptedModel model = SpillFolder.NewModel();
        for (int i = 0; i < 2; i++)
        {
            using (MixKvqChatClient client = _folder.Open(model))
            {
                await SpillFolder.BeginAsync(client);
            }

            Assert.Equal((0, 0L), (model.LiveSequences, model.Sequences.HeldBytes));
        }
    }

    /// <summary>What the model answers to the text that it has really seen, thus to what is in the cache.</summary>
    private static string TextSeen(ScriptedModel model) =>
        string.Join(' ', model.Tokenizer.Decode(model.SeenPrompts.Last()).Split("question ").Skip(1).Select(part => part.Split('?')[0]));

    private static async Task WaitUntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            await Task.Delay(5, Cancellation);
        }
    }
}
