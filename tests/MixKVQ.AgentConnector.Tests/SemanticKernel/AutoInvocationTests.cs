using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector.SemanticKernel;
using MixKVQ.AgentConnector.SemanticKernel.FunctionCalling;

namespace MixKVQ.AgentConnector.Tests.SemanticKernel;

public sealed class AutoInvocationTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    private static MixKvqPromptExecutionSettings Auto => new() { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Calls_AreInvokedRoundByRoundAndKeptInTheHistory(bool streaming)
    {
        var client = new TestChatClient(
            Replies.Calls(("Store-stock", """{"item":"copper"}""")),
            Replies.Calls(("Store-add", """{"left":345,"right":5}"""), ("Store-add", """{"left":1,"right":"2"}""")),
            Replies.Answer("350."));
        var history = new ChatHistory("Copper plus five?");

        string answer = await AskAsync(client, history, Auto, new TestPlugin().CreateKernel(), streaming);

        Assert.Equal("350.", answer);
        Assert.Equal(["system", "assistant", "tool", "assistant", "tool", "tool"], history.Select(message => message.Role.Label));
        Assert.Equal("""{"item":"copper","count":345}""", history[2].Content);
        Assert.Equal(["350", "3"], history.TakeLast(2).Select(message => message.Content));
        Assert.Equal("I need a tool.", Assert.Single(history[1].Items.OfType<ReasoningContent>()).Text);
        Assert.Equal([1, 3, 6], client.Requests.Select(request => request.Messages.Count));
        var sent = Assert.IsType<Microsoft.Extensions.AI.FunctionCallContent>(client.Requests[1].Messages[1].Contents[^1]);
        Assert.Equal("Store-stock", sent.Name);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Conversation_GetsOnlyTheNewMessagesOfEachRound(bool streaming)
    {
        var client = new TestChatClient(
            Replies.Calls("Look.", "c-7", ("Store-add", """{"left":1,"right":2}""")),
            Replies.Answer("3.", conversationId: "c-7"));
        MixKvqPromptExecutionSettings settings = Auto;
        settings.ConversationId = "c-7";

        await AskAsync(client, new ChatHistory("Add."), settings, new TestPlugin().CreateKernel(), streaming);

        Assert.All(client.Requests, request => Assert.Equal("c-7", request.Options!.ConversationId));
        ChatMessage delta = Assert.Single(client.Requests[1].Messages);
        Assert.Equal(ChatRole.Tool, delta.Role);
    }

    [Fact]
    public async Task UnknownFunctionsAndFailures_AreToldToTheModel()
    {
        var client = new TestChatClient(
            Replies.Calls(
                ("Store-fly", "{}"),
                ("nothing", "{}"),
                ("Store-fail", "{}"),
                ("Store-stock", "{}"),
                ("Store-add", """{"left":"many","right":2}""")),
            Replies.Answer("Sorry."));
        var history = new ChatHistory("Go.");

        Assert.Equal("Sorry.", await AskAsync(client, history, Auto, new TestPlugin().CreateKernel(), streaming: false));

        string?[] results = [.. history.Skip(2).Select(message => message.Content)];
        Assert.Equal(5, results.Length);
        Assert.All(results, result => Assert.StartsWith("Error: ", result, StringComparison.Ordinal));
        Assert.Contains("no function 'Store-fly'", results[0], StringComparison.Ordinal);
        Assert.Contains("no function 'nothing'", results[1], StringComparison.Ordinal);
        Assert.Contains("The shelf fell over.", results[2], StringComparison.Ordinal);
        Assert.Contains("item", results[3], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Filters_SeeEveryCallAndMayReplaceItsResult()
    {
        var filter = new TestFilter(async (context, next) =>
        {
            await next(context);
            context.Result = new FunctionResult(context.Result, $"{context.Function.Name} {context.RequestSequenceIndex}.{context.FunctionSequenceIndex}/{context.FunctionCount}");
        });
        Kernel kernel = new TestPlugin().CreateKernel();
        kernel.AutoFunctionInvocationFilters.Add(filter);
        var client = new TestChatClient(
            Replies.Calls(("Store-add", """{"left":1,"right":2}"""), ("Store-add", """{"left":3,"right":4}""")),
            Replies.Answer("Done."));
        var history = new ChatHistory("Go.");
        MixKvqPromptExecutionSettings settings = Auto;

        await AskAsync(client, history, settings, kernel, streaming: true);

        Assert.Equal(["add 0.0/2", "add 0.1/2"], history.Where(message => message.Role == AuthorRole.Tool).Select(message => message.Content));
        Assert.All(filter.Seen, context => Assert.Same(settings, context.ExecutionSettings));
        Assert.All(filter.Seen, context => Assert.True(context.IsStreaming));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Terminate_EndsTheLoopWithTheLastResult(bool streaming)
    {
        var plugin = new TestPlugin();
        Kernel kernel = plugin.CreateKernel();
        kernel.AutoFunctionInvocationFilters.Add(new TestFilter(async (context, next) =>
        {
            await next(context);
            context.Terminate = true;
        }));
        var client = new TestChatClient(Replies.Calls(("Store-add", """{"left":1,"right":2}"""), ("Store-add", """{"left":3,"right":4}""")));

        string answer = await AskAsync(client, new ChatHistory("Go."), Auto, kernel, streaming);

        Assert.EndsWith("3", answer, StringComparison.Ordinal);
        Assert.Equal((1, 1), (client.Requests.Count, plugin.CallCount));
    }

    [Fact]
    public async Task ConcurrentCalls_KeepTheOrderOfTheirResults()
    {
        var settings = new MixKvqPromptExecutionSettings
        {
            FunctionChoiceBehavior = FunctionChoiceBehavior.Auto(options: new() { AllowConcurrentInvocation = true, AllowParallelCalls = true }),
        };
        var client = new TestChatClient(
            Replies.Calls(("Store-add", """{"left":1,"right":2}"""), ("Store-add", """{"left":3,"right":4}""")),
            Replies.Answer("Done."));
        var history = new ChatHistory("Go.");

        await AskAsync(client, history, settings, new TestPlugin().CreateKernel(), streaming: false);

        Assert.Equal(["3", "7"], history.Skip(2).Select(message => message.Content));
        Assert.True(client.Requests[0].Options!.AllowMultipleToolCalls);
    }

    [Fact]
    public async Task EndlessCalls_AreHandedToTheCallerAfterTheLimit()
    {
        var plugin = new TestPlugin();
        var client = new TestChatClient([.. Enumerable.Range(0, ToolLoop.MaxInvokingRequests + 1).Select(_ => Replies.Calls(("Store-add", """{"left":1,"right":1}""")))]);
        var service = new MixKvqChatCompletionService(client);

        ChatMessageContent message = (await service.GetChatMessageContentsAsync(new ChatHistory("Go."), Auto, plugin.CreateKernel(), None))[0];

        Assert.Single(Microsoft.SemanticKernel.FunctionCallContent.GetFunctionCalls(message));
        Assert.Equal(ToolLoop.MaxInvokingRequests, plugin.CallCount);
    }

    [Fact]
    public async Task CompletionsInsideFunctions_StopInvokingAtSomeDepth()
    {
        int depth = 0;
        var client = new TestChatClient([.. Enumerable.Range(0, 100).Select(_ => Replies.Calls(("Deep-dig", "{}")))]);
        var service = new MixKvqChatCompletionService(client);
        var kernel = new Kernel();
        kernel.Plugins.AddFromFunctions("Deep", [KernelFunctionFactory.CreateFromMethod(
            async () =>
            {
                depth++;
                await service.GetChatMessageContentsAsync(new ChatHistory("Deeper."), Auto, kernel, None);
                throw new InvalidOperationException("Back.");
            },
            "dig")]);
        kernel.AutoFunctionInvocationFilters.Add(new TestFilter(async (context, next) =>
        {
            try
            {
                await next(context);
            }
            finally
            {
                context.Terminate = true;
            }
        }));

        await service.GetChatMessageContentsAsync(new ChatHistory("Dig."), Auto, kernel, None);

        Assert.Equal(16, depth);
    }

    [Fact]
    public async Task Cancellation_InsideAFunctionEndsTheRequest()
    {
        using var source = new CancellationTokenSource();
        var kernel = new Kernel();
        kernel.Plugins.AddFromFunctions("Slow", [KernelFunctionFactory.CreateFromMethod(
            async (CancellationToken token) =>
            {
                await source.CancelAsync();
                token.ThrowIfCancellationRequested();
            },
            "wait")]);
        var service = new MixKvqChatCompletionService(new TestChatClient(Replies.Calls(("Slow-wait", "{}"))));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => service.GetChatMessageContentsAsync(new ChatHistory("Go."), Auto, kernel, source.Token));
    }

    private static async Task<string> AskAsync(TestChatClient client, ChatHistory history, PromptExecutionSettings settings, Kernel kernel, bool streaming)
    {
        var service = new MixKvqChatCompletionService(client);
        if (!streaming)
        {
            return (await service.GetChatMessageContentsAsync(history, settings, kernel, None))[0].Content ?? "";
        }

        string text = "";
        await foreach (StreamingChatMessageContent part in service.GetStreamingChatMessageContentsAsync(history, settings, kernel, None))
        {
            text += part.Content;
        }

        return text;
    }

    private sealed class TestFilter(Func<AutoFunctionInvocationContext, Func<AutoFunctionInvocationContext, Task>, Task> body) : IAutoFunctionInvocationFilter
    {
        public List<AutoFunctionInvocationContext> Seen { get; } = [];

        public Task OnAutoFunctionInvocationAsync(AutoFunctionInvocationContext context, Func<AutoFunctionInvocationContext, Task> next)
        {
            Seen.Add(context);
            return body(context, next);
        }
    }
}
