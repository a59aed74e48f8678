using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using Microsoft.SemanticKernel.Services;
using MixKVQ.AgentConnector.SemanticKernel;

namespace MixKVQ.AgentConnector.Tests.SemanticKernel;

public sealed class ChatCompletionMappingTests
{
    private static readonly CancellationToken None = CancellationToken.None;

    [Fact]
    public async Task Answer_KeepsThoughtTextUsageAndFinishReason()
    {
        var service = new MixKvqChatCompletionService(new TestChatClient(Replies.Answer("Paris.", "France, so Paris.", "c-1")));

        ChatMessageContent message = Assert.Single(await service.GetChatMessageContentsAsync(new ChatHistory("Capital of France?"), cancellationToken: None));

        Assert.Equal("Paris.", message.Content);
        Assert.Equal("France, so Paris.", Assert.Single(message.Items.OfType<ReasoningContent>()).Text);
        Assert.Equal(AuthorRole.Assistant, message.Role);
        Assert.Equal("stop", message.Metadata!["FinishReason"]);
        Assert.Equal("c-1", message.Metadata["ConversationId"]);
        Assert.Equal(3, Assert.IsType<UsageDetails>(message.Metadata["Usage"]).CachedInputTokenCount);
    }

    [Fact]
    public async Task Stream_GivesThoughtThenTextAndEndsWithUsage()
    {
        var service = new MixKvqChatCompletionService(new TestChatClient(Replies.Answer("Paris.", "France.", "c-1")));
        string thought = "";
        string text = "";
        StreamingChatMessageContent? last = null;

        await foreach (StreamingChatMessageContent part in service.GetStreamingChatMessageContentsAsync(new ChatHistory("Capital?"), cancellationToken: None))
        {
            thought += string.Concat(part.Items.OfType<StreamingReasoningContent>().Select(item => item.Text));
            text += part.Content;
            last = part;
        }

        Assert.Equal(("France.", "Paris."), (thought, text));
        Assert.Equal("stop", last!.Metadata!["FinishReason"]);
        Assert.Equal("c-1", last.Metadata["ConversationId"]);
        Assert.Equal(2, Assert.IsType<UsageDetails>(last.Metadata["Usage"]).OutputTokenCount);
    }

    [Fact]
    public async Task History_ReachesTheClientWithThoughtsCallsAndResults()
    {
        var client = new TestChatClient(Replies.Answer("345."));
        var call = new Microsoft.SemanticKernel.FunctionCallContent("stock", "Store", "id-1", new KernelArguments { ["item"] = "copper", ["depth"] = 2 });
        var result = new ChatMessageContent(AuthorRole.Tool, "345");
        result.Items.Add(new Microsoft.SemanticKernel.FunctionResultContent(call, new { count = 345, city = "Köln" }));
        var history = new ChatHistory("You plan.")
        {
            new ChatMessageContent(AuthorRole.User, "How much copper?"),
            new ChatMessageContent(AuthorRole.Assistant, [new ReasoningContent("Ask the store."), new Microsoft.SemanticKernel.TextContent("Let me see."), call]),
            result,
        };

        await new MixKvqChatCompletionService(client).GetChatMessageContentsAsync(history, cancellationToken: None);

        List<ChatMessage> messages = client.Requests[0].Messages;
        Assert.Equal(["system", "user", "assistant", "tool"], messages.Select(message => message.Role.Value));
        Assert.Equal("Ask the store.", Assert.IsType<TextReasoningContent>(messages[2].Contents[0]).Text);
        Assert.Equal("Let me see.", Assert.IsType<Microsoft.Extensions.AI.TextContent>(messages[2].Contents[1]).Text);
        var sent = Assert.IsType<Microsoft.Extensions.AI.FunctionCallContent>(messages[2].Contents[2]);
        Assert.Equal(("Store-stock", "id-1"), (sent.Name, sent.CallId));
        Assert.Equal(2, sent.Arguments!["depth"]);
        var returned = Assert.IsType<Microsoft.Extensions.AI.FunctionResultContent>(Assert.Single(messages[3].Contents));
        Assert.Equal("id-1", returned.CallId);
        Assert.Equal("""{"count":345,"city":"Köln"}""", returned.Result);
    }

    [Fact]
    public async Task Call_WithoutAutoInvoke_ComesBackUninvokedWithPluginAndArguments()
    {
        var plugin = new TestPlugin();
        var service = new MixKvqChatCompletionService(new TestChatClient(Replies.Calls(("Store-add", """{"left":2,"right":40}"""))));
        var settings = new MixKvqPromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto(autoInvoke: false) };
        var history = new ChatHistory("Add.");

        ChatMessageContent message = Assert.Single(await service.GetChatMessageContentsAsync(history, settings, plugin.CreateKernel(), None));

        var call = Assert.Single(Microsoft.SemanticKernel.FunctionCallContent.GetFunctionCalls(message));
        Assert.Equal(("Store", "add"), (call.PluginName, call.FunctionName));
        Assert.Equal(40, Assert.IsType<JsonElement>(call.Arguments!["right"]).GetInt32());
        Assert.Equal((0, 1), (plugin.CallCount, history.Count));
        Assert.Equal("42", (await call.InvokeAsync(plugin.CreateKernel(), None)).Result?.ToString());
    }

    [Fact]
    public async Task StreamedCalls_AreReadBySemanticKernelsOwnBuilder()
    {
        var service = new MixKvqChatCompletionService(new TestChatClient(
            Replies.Calls(("Store-stock", """{"item":"copper"}"""), ("Store-add", """{"left":1,"right":2}"""))));
        var settings = new MixKvqPromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto(autoInvoke: false) };
        var builder = new FunctionCallContentBuilder();
        List<string?> arguments = [];

        await foreach (StreamingChatMessageContent part in service.GetStreamingChatMessageContentsAsync(new ChatHistory("Go."), settings, new TestPlugin().CreateKernel(), None))
        {
            builder.Append(part);
            arguments.AddRange(part.Items.OfType<StreamingFunctionCallUpdateContent>().Select(call => call.Arguments));
        }

        IReadOnlyList<Microsoft.SemanticKernel.FunctionCallContent> calls = builder.Build();
        Assert.Equal(["stock", "add"], calls.Select(call => call.FunctionName));
        Assert.Equal(["""{"item":"copper"}""", """{"left":1,"right":2}"""], arguments);
        Assert.All(calls, call => Assert.Equal("Store", call.PluginName));
        Assert.Equal("copper", calls[0].Arguments!["item"]);
    }

    [Fact]
    public async Task Tools_AreDeclaredUnderQualifiedNamesWithPlainSchemas()
    {
        var client = new TestChatClient(Replies.Answer("Yes."));
        var settings = new MixKvqPromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() };

        await new MixKvqChatCompletionService(client).GetChatMessageContentsAsync(new ChatHistory("Tools?"), settings, new TestPlugin().CreateKernel(), None);

        ChatOptions options = client.Requests[0].Options!;
        Assert.Equal(["Store-stock", "Store-add", "Store-fail"], options.Tools!.Select(tool => tool.Name));
        Assert.IsType<AutoChatToolMode>(options.ToolMode);
        var stock = Assert.IsAssignableFrom<AIFunctionDeclaration>(options.Tools![0]);
        Assert.Equal("Counts an item.", stock.Description);
        Assert.Equal(["type", "properties", "required"], stock.JsonSchema.EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public async Task Service_TellsItsModel()
    {
        var service = new MixKvqChatCompletionService(new TestChatClient());

        Assert.Equal("planner", service.GetModelId());
        await Assert.ThrowsAsync<ArgumentNullException>(() => service.GetChatMessageContentsAsync((ChatHistory)null!, cancellationToken: None));
        await Assert.ThrowsAsync<ArgumentException>(() => service.GetChatMessageContentsAsync(new ChatHistory(), cancellationToken: None));
        Assert.Throws<ArgumentException>(() => service.GetStreamingChatMessageContentsAsync(new ChatHistory(), cancellationToken: None));
        Assert.Throws<ArgumentNullException>(() => new MixKvqChatCompletionService(null!));
    }

    [Fact]
    public async Task ContentThatTheModelCannotRead_IsRefusedByName()
    {
        var history = new ChatHistory { new ChatMessageContent(AuthorRole.User, [new ImageContent(new Uri("https://example.org/a.png"))]) };
        var service = new MixKvqChatCompletionService(new TestChatClient(Replies.Answer("?")));

        var fault = await Assert.ThrowsAsync<NotSupportedException>(() => service.GetChatMessageContentsAsync(history, cancellationToken: None));

        Assert.Contains(nameof(ImageContent), fault.Message, StringComparison.Ordinal);
    }
}
