using System.Text.Json;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.AgentFramework;

/// <summary>Agents with tools, and with answers of a type.</summary>
public sealed class AgentToolTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <param name="stateful">Whether the session has an id.</param>
    /// <param name="streaming">Whether the answers are streamed.</param>
    /// <param name="persistEachRequest">Whether the framework keeps the history after every request, not after the run.</param>
    [Theory]
    [InlineData(false, false, false)]
    [InlineData(false, true, false)]
    [InlineData(false, false, true)]
    [InlineData(false, true, true)]
    [InlineData(true, false, false)]
    [InlineData(true, true, false)]
    [InlineData(true, false, true)]
    public async Task ToolRounds_OfSeveralTurnsReadEveryTokenOnce(bool stateful, bool streaming, bool persistEachRequest)
    {
        var model = new ScriptedModel(prompt => prompt.EndsWith("</tool_response><|im_end|>\n<|im_start|>assistant\n", StringComparison.Ordinal)
            ? "<think>\nNow I know.\n</think>\n\nSo many."
            : "<think>\nLook.\n</think>\n\n<tool_call>\n{\"name\": \"stock\", \"arguments\": {\"item\": \"bolt\"}}\n</tool_call>");
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = stateful);
        var agent = new ChatClientAgent(client, new ChatClientAgentOptions
        {
            ChatOptions = new ChatOptions { Instructions = "Count.", Tools = [AIFunctionFactory.Create((string item) => $"17 {item}s", "stock", "How many there are.")] },
            RequirePerServiceCallChatHistoryPersistence = persistEachRequest,
        });
        AgentSession session = await agent.CreateSessionAsync(Cancellation);
        long read = 0;
        foreach (string question in new[] { "How many?", "And now?", "In all?" })
        {
            AgentResponse response = await agent.Ask(question, session, streaming);
            Assert.Equal("So many.", response.Messages[^1].Text);
            read += response.Prefilled() + response.Usage!.OutputTokenCount!.Value;
        }

        Assert.Equal(6, model.SeenPrompts.Count);
        Assert.Equal(model.SeenPrompts.Last().Length + "\nNow I know.\n\n\nSo many.".Length + 2, read);
    }

    [Fact]
    public async Task Middleware_SeesEveryCall()
    {
        var model = new ScriptedModel(prompt => prompt.Contains("99", StringComparison.Ordinal)
            ? "So many."
            : "<tool_call>\n{\"name\": \"stock\", \"arguments\": {\"item\": \"bolt\"}}\n</tool_call>");
        using MixKvqChatClient client = model.CreateClient();
        AIAgent agent = new ChatClientAgent(client, tools: [AIFunctionFactory.Create((string item) => 17, "stock")])
            .AsBuilder()
            .Use((_, context, next, cancellationToken) => ValueTask.FromResult<object?>(context.Function.Name == "stock" ? 99 : 0))
            .Build();

        AgentResponse response = await agent.Ask("How many?", await agent.CreateSessionAsync(Cancellation));

        Assert.Equal("So many.", response.Text);
    }

    [Fact]
    public async Task Agent_IsAToolOfAnother()
    {
        var model = new ScriptedModel(prompt =>
            prompt.Contains("You count.", StringComparison.Ordinal) ? "17 bolts."
            : prompt.Contains("<tool_response>", StringComparison.Ordinal) ? "The counter says 17."
            : "<tool_call>\n{\"name\": \"Counter\", \"arguments\": {\"query\": \"bolts?\"}}\n</tool_call>");
        using MixKvqChatClient client = model.CreateClient();
        var counter = new ChatClientAgent(client, instructions: "You count.", name: "Counter");
        var host = new ChatClientAgent(client, tools: [counter.AsAIFunction()]);

        AgentResponse response = await host.Ask("How many?", await host.CreateSessionAsync(Cancellation));

        Assert.Equal("The counter says 17.", response.Text);
        Assert.Contains("<tool_response>\n17 bolts.\n</tool_response>", model.Tokenizer.Decode(model.SeenPrompts.Last()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Answer_IsReadAsItsType()
    {
        var model = new ScriptedModel(_ => "<think>\nHm.\n</think>\n\n{\"item\":\"bolt\",\"count\":17}");
        using MixKvqChatClient client = model.CreateClient();
        var agent = new ChatClientAgent(client);
        AgentSession session = await agent.CreateSessionAsync(Cancellation);

        AgentResponse<Stock> first = await agent.RunAsync<Stock>("How many?", session, cancellationToken: Cancellation);
        AgentResponse<Stock> second = await agent.RunAsync<Stock>("And now?", session, cancellationToken: Cancellation);

        Assert.Equal(new Stock("bolt", 17), first.Result);
        Assert.Equal(first.Usage!.TotalTokenCount, second.Usage!.CachedInputTokenCount);
    }

    /// <summary>Numbers, quotes and nested values of calls come back from JSON in other types than they left in.</summary>
    [Fact]
    public async Task SerializedSession_WithCallsGoesOnWhereItWas()
    {
        var model = new ScriptedModel(prompt => prompt.Contains("<tool_response>", StringComparison.Ordinal)
            ? "Done."
            : "<think>\nLook.\n</think>\n\nWait.\n<tool_call>\n{\"name\": \"stock\", \"arguments\": {\"item\": \"5\\\" böl\\nt\", \"share\": 2.50, \"at\": {\"shelf\": [1, null, true]}}}\n</tool_call>");
        using MixKvqChatClient client = model.CreateClient();
        ChatClientAgent Create() => new(client, tools: [AIFunctionFactory.Create((string item, double share, JsonElement at) => new Stock(item, 17), "stock")]);
        ChatClientAgent agent = Create();
        AgentSession session = await agent.CreateSessionAsync(Cancellation);
        await agent.Ask("How many?", session);

        string saved = (await agent.SerializeSessionAsync(session, cancellationToken: Cancellation)).GetRawText();
        ChatClientAgent later = Create();
        AgentResponse response = await later.Ask("And now?", await later.DeserializeSessionAsync(JsonElement.Parse(saved), cancellationToken: Cancellation));

        Assert.Equal(model.NewTokens("And now?"), response.Prefilled());
    }

    private sealed record Stock(string Item, int Count);
}
