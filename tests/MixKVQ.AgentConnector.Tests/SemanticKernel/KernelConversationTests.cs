using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector.SemanticKernel;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.SemanticKernel;

/// <summary>Semantic Kernel over the real client, and a model that answers from a script.</summary>
public sealed class KernelConversationTests
{
    private const string Call = "<think>\nLook it up.\n</think>\n\n<tool_call>\n{\"name\": \"Store-stock\", \"arguments\": {\"item\": \"tin\"}}\n</tool_call>";
    private const string Result = "<|im_end|>\n<|im_start|>user\n<tool_response>\n{\"item\":\"tin\",\"count\":345}\n</tool_response><|im_end|>\n<|im_start|>assistant\n";
    private const string Answer = "<think>\nNow I know.\n</think>\n\nThere are 345.";
    private const string SecondRequest = "<|im_end|>\n<|im_start|>user\nThanks.<|im_end|>\n<|im_start|>assistant\n";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A dropped thought is what a caller's history has that was gathered from the stream's text alone.</summary>
    [Theory]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(true, false)]
    public async Task SecondTurn_PrefillsOnlyNewTokens_WithFullHistory(bool streaming, bool keepsThought)
    {
        ScriptedModel model = CreateModel();
        using MixKvqChatClient client = model.CreateClient();
        var history = new ChatHistory("You plan.");
        history.AddUserMessage("How much tin?");

        List<UsageDetails> first = await AskAsync(client, history, new(), streaming, keepsThought);
        history.AddUserMessage("Thanks.");
        List<UsageDetails> second = await AskAsync(client, history, new(), streaming, keepsThought);

        Assert.Equal(["system", "user", "assistant", "tool", "assistant", "user", "assistant"], history.Select(message => message.Role.Label));
        Assert.Equal(["There are 345.", "Welcome."], history.Where(message => message.Role == AuthorRole.Assistant).TakeLast(2).Select(message => message.Content));
        AssertPrefilled(model, Result, first[^1]);
        AssertPrefilled(model, SecondRequest, Assert.Single(second));
        Assert.Contains("Look it up.", model.Tokenizer.Decode(model.SeenPrompts.Last()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SecondTurn_PrefillsOnlyNewTokens_WithConversationId(bool streaming)
    {
        ScriptedModel model = CreateModel();
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = true);
        var settings = new MixKvqPromptExecutionSettings();

        List<UsageDetails> first = await AskAsync(client, new ChatHistory { new ChatMessageContent(AuthorRole.User, "How much tin?") }, settings, streaming);
        Assert.NotNull(settings.ConversationId);
        List<UsageDetails> second = await AskAsync(client, new ChatHistory { new ChatMessageContent(AuthorRole.User, "Thanks.") }, settings, streaming);

        AssertPrefilled(model, Result, first[^1]);
        AssertPrefilled(model, SecondRequest, Assert.Single(second));
    }

    [Fact]
    public async Task HistoryFromJson_IsContinuedByTheRetainedCache()
    {
        ScriptedModel model = CreateModel();
        using MixKvqChatClient client = model.CreateClient();
        var history = new ChatHistory("You plan.");
        history.AddUserMessage("How much tin?");
        await AskAsync(client, history, new(), streaming: false);

        ChatHistory restored = JsonSerializer.Deserialize<ChatHistory>(JsonSerializer.Serialize(history))!;
        restored.AddUserMessage("Thanks.");
        List<UsageDetails> usage = await AskAsync(client, restored, new(), streaming: false);

        AssertPrefilled(model, SecondRequest, Assert.Single(usage));
    }

    [Fact]
    public async Task PromptFunction_RunsOnTheServiceWithItsSettings()
    {
        ScriptedModel model = new(prompt => prompt.Contains("Say hello to Ada", StringComparison.Ordinal) ? "Hello, dear Ada." : "?");
        using MixKvqChatClient client = model.CreateClient();
        Kernel kernel = CreateKernel(client);

        FunctionResult result = await kernel.InvokePromptAsync(
            "Say hello to {{$name}}", new(new PromptExecutionSettings { ExtensionData = new Dictionary<string, object> { ["max_tokens"] = 5 } }) { ["name"] = "Ada" }, cancellationToken: Cancellation);

        Assert.Equal("Hello", result.ToString());
        Assert.Equal("length", result.Metadata!["FinishReason"]);
    }

    [Fact]
    public async Task UnknownSettings_AreRefusedByName()
    {
        using MixKvqChatClient client = CreateModel().CreateClient();
        var settings = new PromptExecutionSettings { ExtensionData = new Dictionary<string, object> { ["top_z"] = 5 } };

        var refusal = await Assert.ThrowsAsync<NotSupportedException>(
            () => new MixKvqChatCompletionService(client).GetChatMessageContentsAsync(new ChatHistory("Hi"), settings, cancellationToken: Cancellation));

        Assert.Contains("'top_z'", refusal.Message, StringComparison.Ordinal);
    }

    private static ScriptedModel CreateModel() => new(prompt =>
        prompt.EndsWith("Thanks.<|im_end|>\n<|im_start|>assistant\n", StringComparison.Ordinal) ? "Welcome."
        : prompt.Contains("345", StringComparison.Ordinal) ? Answer
        : Call);

    private static Kernel CreateKernel(IChatClient client)
    {
        IKernelBuilder builder = Kernel.CreateBuilder();
        builder.Services.AddSingleton<IChatCompletionService>(new MixKvqChatCompletionService(client));
        builder.Plugins.AddFromObject(new TestPlugin(), "Store");
        return builder.Build();
    }

    /// <summary>Asks, adds the answer to the history and gives the usage of each request.</summary>
    private static async Task<List<UsageDetails>> AskAsync(
        MixKvqChatClient client, ChatHistory history, MixKvqPromptExecutionSettings settings, bool streaming, bool keepsThought = true)
    {
        settings.FunctionChoiceBehavior = FunctionChoiceBehavior.Auto();
        Kernel kernel = CreateKernel(client);
        var service = kernel.GetRequiredService<IChatCompletionService>();
        var usage = new List<UsageDetails>();
        if (!streaming)
        {
            ChatMessageContent message = (await service.GetChatMessageContentsAsync(history, settings, kernel, Cancellation))[0];
            Note(message.Metadata);
            history.Add(message);
            return usage;
        }

        string text = "";
        string thought = "";
        await foreach (StreamingChatMessageContent part in service.GetStreamingChatMessageContentsAsync(history, settings, kernel, Cancellation))
        {
            text += part.Content;
            thought += string.Concat(part.Items.OfType<StreamingReasoningContent>().Select(item => item.Text));
            Note(part.Metadata);
            if (part.Metadata?.GetValueOrDefault("FinishReason") is "tool_calls")
            {
                (text, thought) = ("", "");
            }
        }

        var answer = new ChatMessageContent(AuthorRole.Assistant, text);
        if (keepsThought && thought.Length > 0)
        {
            answer.Items.Add(new ReasoningContent(thought));
        }

        history.Add(answer);
        return usage;

        void Note(IReadOnlyDictionary<string, object?>? metadata)
        {
            settings.ConversationId = metadata?.GetValueOrDefault("ConversationId") as string ?? settings.ConversationId;
            if (metadata?.GetValueOrDefault("Usage") is UsageDetails details)
            {
                usage.Add(details);
            }
        }
    }

    private static void AssertPrefilled(ScriptedModel model, string added, UsageDetails usage) =>
        Assert.Equal(model.Tokenizer.EncodePrompt(added).Sum(segment => segment.TokenIds.Length), usage.AdditionalCounts![MixKvqMetadata.PrefilledTokens]);
}
