using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector.SemanticKernel;

namespace MixKVQ.AgentConnector.Tests.SemanticKernel;

public sealed class PromptExecutionSettingsTests
{
    private static MixKvqPromptExecutionSettings All => new()
    {
        ModelId = "planner",
        ServiceId = "local",
        Temperature = 0.6f,
        TopP = 0.95f,
        TopK = 20,
        MinP = 0.05f,
        MaxTokens = 256,
        StopSequences = ["END", "\n\n"],
        Seed = long.MaxValue,
        RepetitionPenalty = 1.1f,
        PresencePenalty = 0.5f,
        FrequencyPenalty = 0.25f,
        EnableThinking = false,
        KeepThoughts = false,
        ChatSystemPrompt = "Be brief.",
        ConversationId = "c-1",
        ResponseFormat = JsonElement.Parse("""{"type":"object"}"""),
        ReasoningEffort = ReasoningEffort.None,
    };

    [Fact]
    public void Json_RoundTripsEverySetting()
    {
        string json = JsonSerializer.Serialize(All);

        var back = JsonSerializer.Deserialize<MixKvqPromptExecutionSettings>(json)!;

        Assert.Equal(json, JsonSerializer.Serialize(back));
        Assert.Null(back.ExtensionData);
        Assert.Equal(long.MaxValue, back.Seed);
    }

    [Fact]
    public void Clone_EqualsAndIsNotFrozen()
    {
        MixKvqPromptExecutionSettings settings = All;
        settings.ExtensionData = new Dictionary<string, object> { ["mood"] = "calm" };
        settings.Freeze();

        var clone = Assert.IsType<MixKvqPromptExecutionSettings>(settings.Clone());

        Assert.Equal(JsonSerializer.Serialize(settings), JsonSerializer.Serialize(clone));
        clone.Temperature = 1;
        clone.StopSequences!.Add("STOP");
        Assert.Equal(2, settings.StopSequences!.Count);
    }

    [Fact]
    public void Frozen_RefusesEveryChange()
    {
        MixKvqPromptExecutionSettings settings = All;
        settings.Freeze();
        settings.Freeze();

        Assert.Throws<InvalidOperationException>(() => settings.Temperature = 1);
        Assert.Throws<InvalidOperationException>(() => settings.ConversationId = null);
        Assert.Throws<InvalidOperationException>(() => settings.ResponseFormat = "text");
        Assert.Throws<InvalidOperationException>(() => settings.ReasoningEffort = ReasoningEffort.Low);
        Assert.Throws<NotSupportedException>(() => settings.StopSequences!.Add("STOP"));
    }

    [Fact]
    public void ExtensionData_OfOtherSettingsBecomesTyped()
    {
        FunctionChoiceBehavior behavior = FunctionChoiceBehavior.Auto(autoInvoke: false);
        var settings = new PromptExecutionSettings
        {
            ModelId = "planner",
            FunctionChoiceBehavior = behavior,
            ExtensionData = new Dictionary<string, object>
            {
                ["temperature"] = "0.5",
                ["max_tokens"] = 12,
                ["stop_sequences"] = new[] { "END" },
                ["enable_thinking"] = true,
                ["mood"] = "calm",
            },
        };

        var own = MixKvqPromptExecutionSettings.FromExecutionSettings(settings);

        Assert.Equal((0.5f, 12, true), (own.Temperature, own.MaxTokens, own.EnableThinking));
        Assert.Equal(["END"], own.StopSequences!);
        Assert.Same(behavior, own.FunctionChoiceBehavior);
        Assert.Equal(["mood"], own.ExtensionData!.Keys);
        Assert.Same(own, MixKvqPromptExecutionSettings.FromExecutionSettings(own));
        Assert.Null(MixKvqPromptExecutionSettings.FromExecutionSettings(null).Temperature);
    }

    [Fact]
    public void ValueOfTheWrongType_IsNamed()
    {
        var settings = new PromptExecutionSettings { ExtensionData = new Dictionary<string, object> { ["temperature"] = "hot" } };

        var fault = Assert.Throws<ArgumentException>(() => MixKvqPromptExecutionSettings.FromExecutionSettings(settings));

        Assert.Contains("temperature", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Service_PassesEverySettingToTheClient()
    {
        var client = new TestChatClient(Replies.Answer("Yes."));
        MixKvqPromptExecutionSettings settings = All;
        settings.ExtensionData = new Dictionary<string, object> { ["mood"] = "calm" };

        await new MixKvqChatCompletionService(client).GetChatMessageContentsAsync(new ChatHistory("Go."), settings, cancellationToken: CancellationToken.None);

        ChatOptions options = client.Requests[0].Options!;
        AssertAll(options);
        Assert.Equal("Be brief.", options.Instructions);
        Assert.Equal("calm", options.AdditionalProperties!["mood"]);
        Assert.Equal(5, options.AdditionalProperties.Count);
    }

    [Fact]
    public void SemanticKernelsOwnWayToChatOptions_KeepsEverySetting()
    {
        ChatOptions options = All.ToChatOptions(kernel: null)!;

        AssertAll(options);
        Assert.Equal("Be brief.", options.Instructions);
        Assert.Equal(["enable_thinking", "keep_thoughts", "min_p", "repetition_penalty"], options.AdditionalProperties!.Keys.Order());
    }

    private static void AssertAll(ChatOptions options)
    {
        Assert.Equal((0.6f, 0.95f, 20, 256), (options.Temperature, options.TopP, options.TopK, options.MaxOutputTokens));
        Assert.Equal(["END", "\n\n"], options.StopSequences!);
        Assert.Equal((long.MaxValue, 0.5f, 0.25f), (options.Seed, options.PresencePenalty, options.FrequencyPenalty));
        Assert.Equal(("planner", "c-1"), (options.ModelId, options.ConversationId));
        Assert.Equal("""{"type":"object"}""", Assert.IsType<ChatResponseFormatJson>(options.ResponseFormat).Schema.ToString());
        Assert.Equal(ReasoningEffort.None, options.Reasoning!.Effort);
        Assert.Equal(0.05f, options.AdditionalProperties!["min_p"]);
        Assert.Equal(1.1f, options.AdditionalProperties["repetition_penalty"]);
        Assert.Equal(false, options.AdditionalProperties["enable_thinking"]);
        Assert.Equal(false, options.AdditionalProperties["keep_thoughts"]);
    }
}
