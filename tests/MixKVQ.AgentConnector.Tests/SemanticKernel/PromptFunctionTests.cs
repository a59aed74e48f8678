using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector.SemanticKernel;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.SemanticKernel;

/// <summary>Prompts through a kernel, with its plugins.</summary>
public sealed class PromptFunctionTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Prompt_CallsPluginsAndTellsThoughtAndUsage()
    {
        ScriptedModel model = CreateModel("Store-stock");
        using MixKvqChatClient client = model.CreateClient();

        FunctionResult result = await CreateKernel(client).InvokePromptAsync("How much {{$item}}?", Arguments(), cancellationToken: Cancellation);

        Assert.Equal("There are 345.", result.ToString());
        ChatMessageContent message = result.GetValue<ChatMessageContent>()!;
        Assert.Equal("Now I know.", Assert.Single(message.Items.OfType<ReasoningContent>()).Text);
        Assert.Equal("stop", result.Metadata!["FinishReason"]);
        var usage = Assert.IsType<UsageDetails>(result.Metadata["Usage"]);
        Assert.True(usage.ReasoningTokenCount > 0 && usage.CachedInputTokenCount > 0);
        Assert.Equal(16.0, result.Metadata[MixKvqMetadata.CacheBitsPerElement]);
    }

    [Fact]
    public async Task StreamedPrompt_BringsThoughtsCallsTextAndUsage()
    {
        ScriptedModel model = CreateModel("Store-stock");
        using MixKvqChatClient client = model.CreateClient();
        string thought = "";
        string text = "";
        List<string?> calls = [];
        List<UsageDetails> usage = [];

        await foreach (StreamingChatMessageContent part in CreateKernel(client).InvokePromptStreamingAsync<StreamingChatMessageContent>("How much {{$item}}?", Arguments(), cancellationToken: Cancellation))
        {
            thought += string.Concat(part.Items.OfType<StreamingReasoningContent>().Select(item => item.Text));
            text += part.Content;
            calls.AddRange(part.Items.OfType<StreamingFunctionCallUpdateContent>().Select(call => call.Name));
            if (part.Metadata?.GetValueOrDefault("Usage") is UsageDetails details)
            {
                usage.Add(details);
            }
        }

        Assert.Equal("Look it up.Now I know.", thought);
        Assert.EndsWith("There are 345.", text, StringComparison.Ordinal);
        Assert.Equal(["Store-stock"], calls);
        Assert.Equal(2, usage.Count);
        Assert.Equal(usage[0].TotalTokenCount, usage[1].CachedInputTokenCount);
    }

    [Fact]
    public async Task StreamedPrompt_IsTextToCallersOfStrings()
    {
        using MixKvqChatClient client = CreateModel("Store-stock").CreateClient();

        List<string> parts = await CreateKernel(client).InvokePromptStreamingAsync<string>("Thanks.", Arguments(), cancellationToken: Cancellation).ToListAsync(Cancellation);

        Assert.Equal("Welcome.", string.Concat(parts));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PromptWithoutAutoInvoke_ReturnsTheCall(bool required)
    {
        var plugin = new TestPlugin();
        var client = new TestChatClient(Replies.Calls(("Store-add", """{"left":1,"right":2}""")));
        Kernel kernel = CreateKernel(client, plugin);
        FunctionChoiceBehavior behavior = required ? FunctionChoiceBehavior.Required(autoInvoke: false) : FunctionChoiceBehavior.Auto(autoInvoke: false);

        FunctionResult result = await kernel.InvokePromptAsync("Add.", new(new PromptExecutionSettings { FunctionChoiceBehavior = behavior }), cancellationToken: Cancellation);

        Assert.Equal("add", Assert.Single(Microsoft.SemanticKernel.FunctionCallContent.GetFunctionCalls(result.GetValue<ChatMessageContent>()!)).FunctionName);
        Assert.Equal(0, plugin.CallCount);
    }

    [Fact]
    public async Task PromptConfiguration_InJsonSaysEverySetting()
    {
        var client = new TestChatClient(Replies.Answer("{}"));
        Kernel kernel = CreateKernel(client);
        var configuration = PromptTemplateConfig.FromJson(
            """
            {
              "template": "Stock of {{$item}}?",
              "execution_settings": {
                "default": {
                  "temperature": 0.5,
                  "reasoning_effort": "low",
                  "response_format": {"type": "object", "properties": {"count": {"type": "integer"}}},
                  "logit_bias": {"17": -100},
                  "logprobs": true,
                  "top_logprobs": 3,
                  "function_choice_behavior": {"type": "required", "functions": ["Store.stock"], "options": {"allow_parallel_calls": false, "allow_strict_schema_adherence": true}}
                }
              }
            }
            """);

        await kernel.InvokeAsync(kernel.CreateFunctionFromPrompt(configuration), new() { ["item"] = "tin" }, Cancellation);

        ChatOptions options = client.Requests.Single().Options!;
        Assert.Equal(0.5f, options.Temperature);
        Assert.Equal(ReasoningEffort.Low, options.Reasoning!.Effort);
        Assert.Equal("integer", Assert.IsType<ChatResponseFormatJson>(options.ResponseFormat).Schema!.Value.GetProperty("properties").GetProperty("count").GetProperty("type").GetString());
        Assert.Equal("Store-stock", Assert.IsType<RequiredChatToolMode>(options.ToolMode).RequiredFunctionName);
        Assert.False(options.AllowMultipleToolCalls);
        Assert.Equal(["logit_bias", "logprobs", "top_logprobs"], options.AdditionalProperties!.Keys.Order());
        Assert.Equal(-100, Assert.IsType<JsonElement>(options.AdditionalProperties["logit_bias"]).GetProperty("17").GetInt32());
        Assert.Equal(true, options.AdditionalProperties["logprobs"]);
        Assert.Equal(3L, options.AdditionalProperties["top_logprobs"]);
    }

    /// <summary>Without a chat completion service the kernel asks its chat client, with options of its own making.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task KernelWithAChatClientOnly_InvokesPluginsToo(bool streaming)
    {
        ScriptedModel model = CreateModel("Store_stock");
        using MixKvqChatClient client = model.CreateClient();
        IKernelBuilder builder = Kernel.CreateBuilder();
        builder.Services.AddChatClient(client).UseKernelFunctionInvocation();
        builder.Plugins.AddFromObject(new TestPlugin(), "Store");
        Kernel kernel = builder.Build();
        KernelArguments arguments = Arguments(new MixKvqPromptExecutionSettings { ChatSystemPrompt = "Count.", Seed = 1, MinP = 0.1f });

        string answer = streaming
            ? string.Concat(await kernel.InvokePromptStreamingAsync<string>("How much {{$item}}?", arguments, cancellationToken: Cancellation).ToListAsync(Cancellation))
            : (await kernel.InvokePromptAsync("How much {{$item}}?", arguments, cancellationToken: Cancellation)).ToString();

        Assert.EndsWith("There are 345.", answer, StringComparison.Ordinal);
        Assert.Equal(2, model.SeenPrompts.Count);
        Assert.StartsWith("<|im_start|>system\nCount.", model.Tokenizer.Decode(model.SeenPrompts.First()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConversationOfSettings_IsContinuedByTheNextPrompt()
    {
        ScriptedModel model = CreateModel("Store-stock");
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = true);
        Kernel kernel = CreateKernel(client);

        FunctionResult first = await kernel.InvokePromptAsync("How much {{$item}}?", Arguments(), cancellationToken: Cancellation);
        string id = Assert.IsType<string>(first.Metadata!["ConversationId"]);
        FunctionResult second = await kernel.InvokePromptAsync("Thanks.", Arguments(new MixKvqPromptExecutionSettings { ConversationId = id }), cancellationToken: Cancellation);

        Assert.Equal("Welcome.", second.ToString());
        Assert.Equal(((UsageDetails)first.Metadata["Usage"]!).TotalTokenCount, ((UsageDetails)second.Metadata!["Usage"]!).CachedInputTokenCount);
    }

    [Fact]
    public async Task ResponseFormat_HoldsTheAnswerToAType()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => "<think>\nHm.\n</think>\n\n{\"item\":\"tin\",\"count\":345}").CreateClient();
        var settings = new MixKvqPromptExecutionSettings { ResponseFormat = typeof(Stock) };

        FunctionResult result = await CreateKernel(client).InvokePromptAsync("How much?", new(settings), cancellationToken: Cancellation);

        Assert.Equal(new Stock("tin", 345), JsonSerializer.Deserialize<Stock>(result.ToString(), JsonSerializerOptions.Web));
    }

    [Fact]
    public async Task LogProbabilities_AreInTheMetadata()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => "Hello.").CreateClient();
        var settings = new PromptExecutionSettings { ExtensionData = new Dictionary<string, object> { ["logprobs"] = true, ["top_logprobs"] = 2, ["logit_bias"] = new Dictionary<int, int> { [0] = -100 } } };

        FunctionResult result = await CreateKernel(client).InvokePromptAsync("Hi", new(settings), cancellationToken: Cancellation);

        var tokens = Assert.IsAssignableFrom<IReadOnlyList<TokenLogProbability>>(result.Metadata![MixKvqMetadata.TokenLogProbabilities]);
        Assert.Equal("Hello.", string.Concat(tokens.Select(token => token.Text)));
        Assert.All(tokens, token => Assert.Equal(2, token.Alternatives.Count));
    }

    private static ScriptedModel CreateModel(string functionName) => new(prompt =>
        prompt.EndsWith("Thanks.<|im_end|>\n<|im_start|>assistant\n", StringComparison.Ordinal) ? "Welcome."
        : prompt.Contains("345", StringComparison.Ordinal) ? "<think>\nNow I know.\n</think>\n\nThere are 345."
        : $"<think>\nLook it up.\n</think>\n\n<tool_call>\n{{\"name\": \"{functionName}\", \"arguments\": {{\"item\": \"tin\"}}}}\n</tool_call>");

    private static KernelArguments Arguments(PromptExecutionSettings? settings = null)
    {
        settings ??= new PromptExecutionSettings();
        settings.FunctionChoiceBehavior = FunctionChoiceBehavior.Auto();
        return new KernelArguments(settings) { ["item"] = "tin" };
    }

    private static Kernel CreateKernel(IChatClient client, TestPlugin? plugin = null)
    {
        IKernelBuilder builder = Kernel.CreateBuilder();
        builder.Services.AddSingleton<IChatCompletionService>(new MixKvqChatCompletionService(client));
        builder.Plugins.AddFromObject(plugin ?? new TestPlugin(), "Store");
        return builder.Build();
    }

    private sealed record Stock(string Item, int Count);
}
