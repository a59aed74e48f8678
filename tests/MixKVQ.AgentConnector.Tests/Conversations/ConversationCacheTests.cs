using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Checkpoints;

namespace MixKVQ.AgentConnector.Tests.Conversations;

public sealed class ConversationCacheTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AFork_GoesOnFromTheEnd_AndTheFirstStaysAsItWas()
    {
        var model = new ScriptedModel(Answer);
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = true);
        var cache = client.GetService<ConversationCache>()!;
        string id = await BeginAsync(client);
        long held = model.Sequences.HeldBytes;
        string left = await cache.ForkAsync(id, cancellationToken: Cancellation);
        string right = await cache.ForkAsync(id, cancellationToken: Cancellation);
        Assert.Equal(held, model.Sequences.HeldBytes);

        ChatResponse onLeft = await AskAsync(client, left, "left?");
        ChatResponse onRight = await AskAsync(client, right, "right?");
        ChatResponse onFirst = await AskAsync(client, id, "first?");
        Assert.Equal("1 2 left", onLeft.Text);
        Assert.Equal("1 2 right", onRight.Text);
        Assert.Equal("1 2 first", onFirst.Text);
        Assert.All(new[] { onLeft, onRight, onFirst }, response => Assert.InRange(response.Usage!.AdditionalCounts![MixKvqMetadata.PrefilledTokens], 1, 60));
        IReadOnlyList<ConversationInfo> all = await cache.ListAsync(Cancellation);
        Assert.Equal([id, right, left], all.Select(conversation => conversation.Id));
        Assert.All(all, conversation => Assert.Equal(6, conversation.MessageCount));
        Assert.All(all, conversation => Assert.InRange(conversation.SharedBytes, 1, conversation.CacheBytes - 1));
    }

    [Fact]
    public async Task AForkAtAnAnswer_GoesOnFromThere()
    {
        var model = new ScriptedModel(Answer);
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = true);
        string id = await BeginAsync(client);
        string fork = await client.Conversations.ForkAsync(id, messageCount: 2, Cancellation);
        ConversationInfo before = (await client.Conversations.FindAsync(fork, Cancellation))!;
        ChatResponse response = await AskAsync(client, fork, "other?");

        Assert.Equal(2, before.MessageCount);
        Assert.Equal("1 other", response.Text);

        // Only what lies behind the last page border is read again.
        Assert.InRange(response.Usage!.AdditionalCounts![MixKvqMetadata.PrefilledTokens], 1, 127 + 60);
        Assert.Equal("1 2 third", (await AskAsync(client, id, "third?")).Text);
    }

    [Fact]
    public async Task AForkAtAQuestion_AnswersThatAnew()
    {
        var model = new ScriptedModel(Answer);
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = true);
        string id = await BeginAsync(client);
        string fork = await client.Conversations.ForkAsync(id, messageCount: 3, Cancellation);
        ChatResponse response = await AskAsync(client, fork, "other?");
        Assert.Equal("1 2 other", response.Text);
        Assert.Equal(["user", "assistant", "user", "user", "assistant"], (await client.Conversations.GetMessagesAsync(fork, Cancellation)).Select(message => message.Role.Value));
    }

    [Fact]
    public async Task AForkBeyondTheConversation_IsRefused()
    {
        using MixKvqChatClient client = new ScriptedModel(Answer).CreateClient(options => options.Stateful = true);
        string id = await BeginAsync(client);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => client.Conversations.ForkAsync(id, 5, Cancellation));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => client.Conversations.ForkAsync(id, 0, Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => client.Conversations.ForkAsync("conv_unknown", cancellationToken: Cancellation));
    }

    [Fact]
    public async Task ASavedConversation_GoesOnInAnotherClient()
    {
        using var folder = new ModelFolder();
        string path = folder.File("agent.conversation");
        using (MixKvqChatClient client = new ScriptedModel(Answer).CreateClient(options => options.Stateful = true))
        {
            await client.Conversations.SaveAsync(await BeginAsync(client), path, Cancellation);
        }

        using MixKvqChatClient other = new ScriptedModel(Answer).CreateClient(options => options.Stateful = true);
        string id = await other.Conversations.LoadAsync(path, Cancellation);
        ChatResponse response = await AskAsync(other, id, "third?");
        Assert.Equal("1 2 third", response.Text);
        Assert.InRange(response.Usage!.AdditionalCounts![MixKvqMetadata.PrefilledTokens], 1, 60);
    }

    [Fact]
    public async Task ADroppedConversation_IsUnknown_AndItsMemoryIsGivenBack()
    {
        var model = new ScriptedModel(Answer);
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = true);
        string id = await BeginAsync(client);
        await client.Conversations.DropAsync(id, Cancellation);
        Assert.Empty(await client.Conversations.ListAsync(Cancellation));
        Assert.Null(await client.Conversations.FindAsync(id, Cancellation));
        Assert.Equal(0, model.Sequences.HeldBytes);
        await Assert.ThrowsAsync<ArgumentException>(() => AskAsync(client, id, "third?"));
    }

    [Fact]
    public async Task Messages_AreWhatWasSaid_WithThoughtsAndCalls()
    {
        var model = new ScriptedModel(prompt => prompt.Contains("17 bolts", StringComparison.Ordinal)
            ? "There are 17."
            : "<think>\nLook.\n</think>\n\n<tool_call>\n{\"name\": \"stock\", \"arguments\": {\"item\": \"bolt\"}}\n</tool_call>");
        using MixKvqChatClient inner = model.CreateClient(options => options.Stateful = true);
        using IChatClient client = inner.AsBuilder().UseFunctionInvocation().Build();
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create((string item) => $"17 {item}s", "stock")] };
        string id = (await client.GetResponseAsync("How many bolts?", options, Cancellation)).ConversationId!;

        IReadOnlyList<ChatMessage> messages = await inner.Conversations.GetMessagesAsync(id, Cancellation);
        Assert.Equal(["user", "assistant", "tool", "assistant"], messages.Select(message => message.Role.Value));
        Assert.Equal("Look.", Assert.Single(messages[1].Contents.OfType<TextReasoningContent>()).Text);
        FunctionCallContent call = Assert.Single(messages[1].Contents.OfType<FunctionCallContent>());
        Assert.Equal(("stock", "bolt"), (call.Name, call.Arguments!["item"]!.ToString()));
        Assert.Equal(call.CallId, Assert.Single(messages[2].Contents.OfType<FunctionResultContent>()).CallId);
        Assert.Equal("There are 17.", messages[3].Text);
    }

    [Fact]
    public async Task ArgumentsThatNameNothing_AreRefusedAsDocumented()
    {
        using var folder = new ModelFolder();
        using MixKvqChatClient client = new ScriptedModel(Answer).CreateClient(options => options.Stateful = true);
        ConversationCache cache = client.Conversations;
        Func<string, Task>[] takingIds =
        [
            id => cache.GetMessagesAsync(id, Cancellation),
            id => cache.ForkAsync(id, cancellationToken: Cancellation),
            id => cache.PinAsync(id, Cancellation),
            id => cache.UnpinAsync(id, Cancellation),
            id => cache.SaveAsync(id, folder.File("none"), Cancellation),
            id => cache.DropAsync(id, Cancellation),
        ];
        foreach (Func<string, Task> call in takingIds)
        {
            Assert.Contains("conv_unknown", (await Assert.ThrowsAsync<ArgumentException>(() => call("conv_unknown"))).Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<ArgumentNullException>(() => call(null!));
        }

        Assert.Null(await cache.FindAsync("conv_unknown", Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => cache.LoadAsync(" ", Cancellation));
        await Assert.ThrowsAsync<InvalidDataException>(() => cache.LoadAsync(folder.File("none"), Cancellation));
        await Assert.ThrowsAsync<ArgumentException>(() => cache.SaveAsync("conv_unknown", "", Cancellation));
    }

    [Fact]
    public async Task ACancelledCall_DoesNothing_AndADisposedClientAnswersNoMore()
    {
        using MixKvqChatClient client = new ScriptedModel(Answer).CreateClient(options => options.Stateful = true);
        string id = await BeginAsync(client);
        var cancelled = new CancellationToken(canceled: true);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.Conversations.DropAsync(id, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.Conversations.ForkAsync(id, cancellationToken: cancelled));
        Assert.Single(await client.Conversations.ListAsync(Cancellation));
        await client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.Conversations.ListAsync(Cancellation));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.Conversations.GetReportAsync(Cancellation));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.Conversations.ForkAsync(id, cancellationToken: Cancellation));
    }

    private static async Task<string> BeginAsync(MixKvqChatClient client)
    {
        ChatResponse first = await client.GetResponseAsync($"{new string('x', 400)} question 1?", cancellationToken: Cancellation);
        return (await AskAsync(client, first.ConversationId!, "2?")).ConversationId!;
    }

    private static Task<ChatResponse> AskAsync(MixKvqChatClient client, string id, string question) =>
        client.GetResponseAsync($"question {question}", new ChatOptions { ConversationId = id }, Cancellation);

    private static string Answer(string prompt) => string.Join(' ', prompt.Split("question ").Skip(1).Select(part => part.Split('?')[0]));
}
