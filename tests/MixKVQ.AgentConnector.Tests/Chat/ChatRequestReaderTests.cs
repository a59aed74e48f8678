using System.Text.Json;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Sampling;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.Chat;

public sealed class ChatRequestReaderTests
{
    [Fact]
    public void SamplingOptions_OverrideTheModelsOwn()
    {
        var defaults = new GenerationDefaults(Temperature: 0.6f, TopK: 20, TopP: 0.95f, MinP: null, RepetitionPenalty: 1.05f);
        SamplingOptions plain = Read(null, defaults).Sampling;
        SamplingOptions set = Read(
            new ChatOptions
            {
                Temperature = 0,
                TopK = 5,
                TopP = 0.5f,
                Seed = 42,
                FrequencyPenalty = 0.1f,
                PresencePenalty = 0.2f,
                AdditionalProperties = new() { ["min_p"] = "0.1", ["repetition_penalty"] = 1.2 },
            },
            defaults).Sampling;

        Assert.Equal(new SamplingOptions { Temperature = 0.6f, TopK = 20, TopP = 0.95f, RepetitionPenalty = 1.05f }, plain);
        Assert.Equal(new SamplingOptions { Temperature = 0, TopK = 5, TopP = 0.5f, MinP = 0.1f, RepetitionPenalty = 1.2f, FrequencyPenalty = 0.1f, PresencePenalty = 0.2f, Seed = 42 }, set);
    }

    [Fact]
    public void WhatIsNotDone_IsRefusedByNameAllAtOnce()
    {
        var options = new ChatOptions
        {
            ModelId = "gpt-5",
            AllowBackgroundResponses = true,
            Tools = [new HostedWebSearchTool()],
            Reasoning = new ReasoningOptions { Output = ReasoningOutput.Summary },
            RawRepresentationFactory = _ => new object(),
            AdditionalProperties = new() { ["top_a"] = 0.1, ["carried"] = new object() },
        };

        string message = Assert.Throws<NotSupportedException>(() => Read(options)).Message;
        Assert.All(
            ["ModelId", "gpt-5", "AllowBackgroundResponses", "HostedWebSearchTool", "Reasoning", "RawRepresentationFactory", "'top_a'"],
            name => Assert.Contains(name, message, StringComparison.Ordinal));
        Assert.DoesNotContain("carried", message, StringComparison.Ordinal);
    }

    [Fact]
    public void ValuesOutOfRange_AreNamedAllAtOnce()
    {
        var options = new ChatOptions { Temperature = -1, TopP = 2, TopK = -1, MaxOutputTokens = 0, StopSequences = [""], AdditionalProperties = new() { ["min_p"] = "much" } };
        string message = Assert.Throws<ArgumentException>(() => Read(options)).Message;
        Assert.All(["Temperature: -1", "TopP: 2", "TopK: -1", "MaxOutputTokens: 0", "StopSequences", "min_p: 'much'"], name => Assert.Contains(name, message, StringComparison.Ordinal));
    }

    [Fact]
    public void ToolModeNone_KeepsTheToolsInThePromptAndBarsCalls()
    {
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "one")] };
        string key = Read(options).Prompt.Key;
        Assert.False(Read(options).Form.BarsCalls);
        options.ToolMode = ChatToolMode.None;
        Assert.True(Read(options).Form.BarsCalls);
        Assert.Equal(key, Read(options).Prompt.Key);
    }

    [Fact]
    public void ThinkingSwitch_IsRefusedWhereTheTemplateHasNone()
    {
        var options = new ChatOptions { AdditionalProperties = new() { ["enable_thinking"] = false } };
        Assert.False(Read(options, canDisableThinking: true).Prompt.EnableThinking);
        Assert.Contains("enable_thinking", Assert.Throws<NotSupportedException>(() => Read(options, canDisableThinking: false)).Message, StringComparison.Ordinal);
        Assert.False(Read(new ChatOptions { Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None } }, canDisableThinking: true).Prompt.EnableThinking);
    }

    [Fact]
    public void ReasoningEffort_LimitsTheThought()
    {
        Assert.Null(Effort(null).ThoughtTokens);
        Assert.Equal([1_024, 4_096, 16_384, null], new[] { ReasoningEffort.Low, ReasoningEffort.Medium, ReasoningEffort.High, ReasoningEffort.ExtraHigh }.Select(effort => Effort(effort).ThoughtTokens));
        Assert.Equal(77, Read(new ChatOptions { AdditionalProperties = new() { ["thinking_budget"] = 77 }, Reasoning = new ReasoningOptions { Effort = ReasoningEffort.High } }).ThoughtTokens);
        Assert.Contains("thinking_budget: -1", Assert.Throws<ArgumentException>(() => Read(new ChatOptions { AdditionalProperties = new() { ["thinking_budget"] = -1 } })).Message, StringComparison.Ordinal);

        ChatRequest none = Read(new ChatOptions { Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None } }, canDisableThinking: false);
        Assert.Equal((null, 0), (none.Prompt.EnableThinking, none.ThoughtTokens));

        static ChatRequest Effort(ReasoningEffort? effort) => Read(new ChatOptions { Reasoning = new ReasoningOptions { Effort = effort } });
    }

    [Fact]
    public void ResponseFormatAndToolMode_SayWhatTheAnswerHasToBe()
    {
        AITool[] tools = [AIFunctionFactory.Create(() => 1, "one"), AIFunctionFactory.Create(() => 2, "two")];
        Assert.Equal(AnswerForm.Free, Read(new ChatOptions { ResponseFormat = ChatResponseFormat.Text, Tools = tools }).Form);
        Assert.Equal("""{"type":"object"}""", Read(new ChatOptions { ResponseFormat = ChatResponseFormat.Json }).Form.Schema!.ToJsonString());
        Assert.Equal("integer", Read(new ChatOptions { ResponseFormat = ChatResponseFormat.ForJsonSchema(JsonElement.Parse("""{"type":"integer"}""")) }).Form.Schema!["type"]!.GetValue<string>());
        Assert.Equal(new AnswerForm(null, true, null), Read(new ChatOptions { ToolMode = ChatToolMode.RequireAny, Tools = tools }).Form);
        Assert.Equal(new AnswerForm(null, true, "two", false), Read(new ChatOptions { ToolMode = ChatToolMode.RequireSpecific("two"), Tools = tools }).Form);
        Assert.Contains("'three'; allowed are one, two", Assert.Throws<ArgumentException>(() => Read(new ChatOptions { ToolMode = ChatToolMode.RequireSpecific("three"), Tools = tools })).Message, StringComparison.Ordinal);
        Assert.Contains("no tool to call", Assert.Throws<ArgumentException>(() => Read(new ChatOptions { ToolMode = ChatToolMode.RequireAny })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_AreNotChanged()
    {
        var options = new ChatOptions { Instructions = "Be brief.", StopSequences = ["x"], AdditionalProperties = new() { ["min_p"] = 0.1 } };
        ChatRequest request = Read(options);
        options.StopSequences.Add("y");
        Assert.Equal(["x"], request.StopSequences);
        Assert.Single(options.AdditionalProperties);
    }

    [Fact]
    public void ThoughtsStay_AsTheRequestSays_ElseTheClient()
    {
        Assert.True(Read(new ChatOptions()).KeepThoughts);
        Assert.False(Read(new ChatOptions { AdditionalProperties = new() { ["keep_thoughts"] = false } }).KeepThoughts);
        Assert.Contains(
            "keep_thoughts: 'some'", Assert.Throws<ArgumentException>(() => Read(new ChatOptions { AdditionalProperties = new() { ["keep_thoughts"] = "some" } })).Message, StringComparison.Ordinal);
    }

    private static ChatRequest Read(ChatOptions? options, GenerationDefaults? defaults = null, bool canDisableThinking = true)
    {
        using MixKvqChatClient client = new ScriptedModel(_ => "").CreateClient();
        return new ChatRequestReader("tiny", defaults ?? ScriptedModel.Greedy, null, keepThoughts: true, canDisableThinking, TinyTokenizer.Load().VocabularySize).Read(options, client);
    }
}
