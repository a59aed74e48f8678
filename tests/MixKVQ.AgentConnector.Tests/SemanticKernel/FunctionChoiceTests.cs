using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector.SemanticKernel;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.SemanticKernel;

public sealed class FunctionChoiceTests
{
    private const string ThreeSum = """{"left":1,"right":2}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Required_ForcesACallInTheFirstRequestOnly(bool streaming)
    {
        var client = new TestChatClient(Replies.Calls(("Store-add", ThreeSum)), Replies.Answer("3."));

        string answer = await AskAsync(client, FunctionChoiceBehavior.Required(), new TestPlugin().CreateKernel(), streaming);

        Assert.Equal("3.", answer);
        ChatOptions first = client.Requests[0].Options!;
        Assert.Null(Assert.IsType<RequiredChatToolMode>(first.ToolMode).RequiredFunctionName);
        Assert.Equal(3, first.Tools!.Count);
        ChatOptions second = client.Requests[1].Options!;
        Assert.Null(second.ToolMode);
        Assert.Null(second.Tools);
    }

    [Fact]
    public async Task Required_OfOneFunctionNamesIt()
    {
        Kernel kernel = new TestPlugin().CreateKernel();
        var client = new TestChatClient(Replies.Calls(("Store-add", ThreeSum)), Replies.Answer("3."));

        await AskAsync(client, FunctionChoiceBehavior.Required([kernel.Plugins["Store"]["add"]]), kernel, streaming: false);

        Assert.Equal("Store-add", Assert.IsType<RequiredChatToolMode>(client.Requests[0].Options!.ToolMode).RequiredFunctionName);
        Assert.Equal("Store-add", Assert.Single(client.Requests[0].Options!.Tools!).Name);
    }

    [Fact]
    public async Task Required_WithoutAutoInvokeLeavesTheCallToTheCaller()
    {
        var plugin = new TestPlugin();
        var client = new TestChatClient(Replies.Calls(("Store-add", ThreeSum)));
        var settings = new MixKvqPromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Required(autoInvoke: false) };

        ChatMessageContent message = (await new MixKvqChatCompletionService(client).GetChatMessageContentsAsync(new ChatHistory("Add."), settings, plugin.CreateKernel(), Cancellation))[0];

        Assert.Equal("add", Assert.Single(Microsoft.SemanticKernel.FunctionCallContent.GetFunctionCalls(message)).FunctionName);
        Assert.Equal(0, plugin.CallCount);
        Assert.IsType<RequiredChatToolMode>(client.Requests[0].Options!.ToolMode);
    }

    [Fact]
    public async Task RequiredOfNoFunctions_ForcesNothing()
    {
        var client = new TestChatClient(Replies.Answer("Hello."));

        await AskAsync(client, FunctionChoiceBehavior.Required([]), new TestPlugin().CreateKernel(), streaming: false);

        Assert.Null(client.Requests[0].Options!.ToolMode);
        Assert.Null(client.Requests[0].Options!.Tools);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Options_SayHowManyCallsAResponseMayHold(bool? allowParallelCalls)
    {
        var options = new FunctionChoiceBehaviorOptions { AllowParallelCalls = allowParallelCalls, AllowStrictSchemaAdherence = true };
        foreach (FunctionChoiceBehavior behavior in new[] { FunctionChoiceBehavior.Auto(options: options), FunctionChoiceBehavior.Required(options: options) })
        {
            var client = new TestChatClient(Replies.Answer("Hello."));

            await AskAsync(client, behavior, new TestPlugin().CreateKernel(), streaming: false);

            Assert.Equal(allowParallelCalls, client.Requests[0].Options!.AllowMultipleToolCalls);
        }
    }

    [Fact]
    public async Task None_OffersFunctionsThatTheModelMayNotCall()
    {
        var client = new TestChatClient(Replies.Answer("I would call stock."));

        await AskAsync(client, FunctionChoiceBehavior.None(), new TestPlugin().CreateKernel(), streaming: false);

        Assert.IsType<NoneChatToolMode>(client.Requests[0].Options!.ToolMode);
        Assert.Equal(3, client.Requests[0].Options!.Tools!.Count);
    }

    [Fact]
    public async Task FewerFunctions_AreAllThatTheModelSees()
    {
        Kernel kernel = new TestPlugin().CreateKernel();
        var model = new ScriptedModel(_ => "Hello.");
        using MixKvqChatClient client = model.CreateClient();

        await AskAsync(client, FunctionChoiceBehavior.Auto([kernel.Plugins["Store"]["stock"]]), kernel, streaming: false);

        string prompt = model.Tokenizer.Decode(model.SeenPrompts.Single());
        Assert.Contains("\"Store-stock\"", prompt, StringComparison.Ordinal);
        Assert.DoesNotContain("Store-add", prompt, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ParallelCalls_AreInvokedAndAllResultsRead(bool concurrent)
    {
        var model = new ScriptedModel(prompt => prompt.Contains("tool_response", StringComparison.Ordinal)
            ? "3 and 7."
            : "<tool_call>\n{\"name\": \"Store-add\", \"arguments\": {\"left\": 1, \"right\": 2}}\n</tool_call>\n<tool_call>\n{\"name\": \"Store-add\", \"arguments\": {\"left\": 3, \"right\": 4}}\n</tool_call>");
        using MixKvqChatClient client = model.CreateClient();
        var options = new FunctionChoiceBehaviorOptions { AllowConcurrentInvocation = concurrent };

        string answer = await AskAsync(client, FunctionChoiceBehavior.Auto(options: options), new TestPlugin().CreateKernel(), streaming: true);

        Assert.EndsWith("3 and 7.", answer, StringComparison.Ordinal);
        Assert.Contains(
            "<tool_response>\n3\n</tool_response><|im_end|>\n<|im_start|>user\n<tool_response>\n7\n</tool_response>",
            model.Tokenizer.Decode(model.SeenPrompts.Last()),
            StringComparison.Ordinal);
    }

    private static async Task<string> AskAsync(IChatClient client, FunctionChoiceBehavior behavior, Kernel kernel, bool streaming)
    {
        var service = new MixKvqChatCompletionService(client);
        var settings = new MixKvqPromptExecutionSettings { FunctionChoiceBehavior = behavior };
        if (!streaming)
        {
            return (await service.GetChatMessageContentsAsync(new ChatHistory("Go."), settings, kernel, Cancellation))[0].Content ?? "";
        }

        string text = "";
        await foreach (StreamingChatMessageContent part in service.GetStreamingChatMessageContentsAsync(new ChatHistory("Go."), settings, kernel, Cancellation))
        {
            text += part.Content;
        }

        return text;
    }
}
