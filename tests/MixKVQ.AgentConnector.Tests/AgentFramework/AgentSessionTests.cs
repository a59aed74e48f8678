using System.Text.Json;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.AgentFramework;

/// <summary>Sessions of the Agent Framework, whose history is the framework's, or with ids the client's.</summary>
public sealed class AgentSessionTests
{
    private const string Answer = "<think>\nHm.\n</think>\n\nHello.";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task EveryTurn_PrefillsOnlyNewTokens(bool stateful, bool streaming)
    {
        var model = new ScriptedModel(_ => Answer);
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = stateful);
        var agent = new ChatClientAgent(client, instructions: "Be kind.", name: "Greeter");
        AgentSession session = await agent.CreateSessionAsync(Cancellation);

        AgentResponse first = await agent.Ask("Hi", session, streaming);
        AgentResponse second = await agent.Ask("Again", session, streaming);
        AgentResponse third = await agent.Ask("More", session, streaming);

        Assert.All([first, second, third], response => Assert.Equal("Hello.", response.Text));
        Assert.All([first, second, third], response => Assert.Equal("Greeter", response.Messages.Single().AuthorName));
        Assert.Equal("Hm.", Assert.Single(third.Messages.Single().Contents.OfType<TextReasoningContent>()).Text);
        Assert.Equal(7, third.Usage!.ReasoningTokenCount);
        Assert.Equal(0, first.Usage!.CachedInputTokenCount);
        Assert.Equal((model.NewTokens("Again"), model.NewTokens("More")), (second.Prefilled(), third.Prefilled()));
        Assert.Equal(second.Usage!.TotalTokenCount, third.Usage.CachedInputTokenCount);
        Assert.StartsWith("<|im_start|>system\nBe kind.<|im_end|>", model.Tokenizer.Decode(model.SeenPrompts.Last()), StringComparison.Ordinal);
        Assert.Equal(stateful, Id(session) is not null);
        Assert.Equal(!stateful, session.TryGetInMemoryChatHistory(out List<ChatMessage>? history) && history.Count == 6);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SerializedSession_GoesOnWhereItWas(bool stateful)
    {
        var model = new ScriptedModel(_ => Answer);
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = stateful);
        var agent = new ChatClientAgent(client, instructions: "Be kind.");
        AgentSession session = await agent.CreateSessionAsync(Cancellation);
        await agent.Ask("Hi", session);

        string saved = (await agent.SerializeSessionAsync(session, cancellationToken: Cancellation)).GetRawText();
        var later = new ChatClientAgent(client, instructions: "Be kind.");
        AgentSession restored = await later.DeserializeSessionAsync(JsonElement.Parse(saved), cancellationToken: Cancellation);
        AgentResponse response = await later.Ask("Again", restored);

        Assert.Equal("Hello.", response.Text);
        Assert.Equal(Id(session), Id(restored));
        Assert.Equal(model.NewTokens("Again"), response.Prefilled());
    }

    /// <summary>A session that holds the history is read anew; one that holds an id is nothing without its client.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SerializedSession_OnAnotherClientNeedsItsHistory(bool stateful)
    {
        var model = new ScriptedModel(_ => Answer);
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = stateful);
        using MixKvqChatClient other = model.CreateClient(options => options.Stateful = stateful);
        var agent = new ChatClientAgent(client);
        AgentSession session = await agent.CreateSessionAsync(Cancellation);
        await agent.Ask("Hi", session);
        JsonElement saved = await agent.SerializeSessionAsync(session, cancellationToken: Cancellation);
        var later = new ChatClientAgent(other);
        AgentSession restored = await later.DeserializeSessionAsync(saved, cancellationToken: Cancellation);

        if (stateful)
        {
            ArgumentException refusal = await Assert.ThrowsAsync<ArgumentException>(() => later.Ask("Again", restored));
            Assert.Contains($"'{Id(session)}'", refusal.Message, StringComparison.Ordinal);
        }
        else
        {
            AgentResponse response = await later.Ask("Again", restored);
            Assert.Equal(response.Usage!.InputTokenCount, response.Prefilled());
            Assert.Contains("Hi<|im_end|>", model.Tokenizer.Decode(model.SeenPrompts.Last()), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task HistoryProvider_WithAStatefulClientIsRefusedByTheFramework()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => Answer).CreateClient(options => options.Stateful = true);
        var agent = new ChatClientAgent(client, new ChatClientAgentOptions { ChatHistoryProvider = new InMemoryChatHistoryProvider() });
        AgentSession session = await agent.CreateSessionAsync(Cancellation);

        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => agent.Ask("Hi", session));

        Assert.Contains(nameof(ChatClientAgentOptions.ChatHistoryProvider), refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HistoryProvider_ThatMayBeIgnoredGivesWayToTheClientsConversation()
    {
        var model = new ScriptedModel(_ => Answer);
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = true);
        var agent = new ChatClientAgent(client, new ChatClientAgentOptions
        {
            ChatHistoryProvider = new InMemoryChatHistoryProvider(),
            ThrowOnChatHistoryProviderConflict = false,
        });
        AgentSession session = await agent.CreateSessionAsync(Cancellation);

        await agent.Ask("Hi", session);
        AgentResponse second = await agent.Ask("Again", session);

        Assert.Equal(model.NewTokens("Again"), second.Prefilled());
        Assert.Equal(1, model.LiveSequences);
    }

    [Fact]
    public async Task Sessions_OfOneAgentAtOnceKeepApart()
    {
        var model = new ScriptedModel(prompt => prompt.Contains("red", StringComparison.Ordinal) ? "Red." : "Blue.");
        using MixKvqChatClient client = model.CreateClient();
        var agent = new ChatClientAgent(client);

        string[] answers = await Task.WhenAll(new[] { "red", "blue", "red", "blue" }.Select(async colour =>
        {
            AgentSession session = await agent.CreateSessionAsync(Cancellation);
            await agent.Ask($"I like {colour}.", session);
            return (await agent.Ask("Which?", session, streaming: true)).Text;
        }));

        Assert.Equal(["Red.", "Blue.", "Red.", "Blue."], answers);
    }

    private static string? Id(AgentSession session) => ((ChatClientAgentSession)session).ConversationId;
}
