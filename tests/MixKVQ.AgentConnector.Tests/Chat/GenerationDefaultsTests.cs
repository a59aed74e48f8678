using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Sampling;
using MixKVQ.AgentConnector.Tests.Checkpoints;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.Chat;

/// <summary>From generation_config.json to what a request samples with.</summary>
public sealed class GenerationDefaultsTests
{
    [Fact]
    public void EveryRecommendation_IsHonoured() => Assert.Equal(
        new SamplingOptions { Temperature = 0.6f, TopK = 20, TopP = 0.95f, MinP = 0.05f, RepetitionPenalty = 1.05f },
        Read("""{ "do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.05, "repetition_penalty": 1.05 }"""));

    [Theory]
    [InlineData("""{ "do_sample": false }""", 0)]
    [InlineData("""{ "do_sample": false, "temperature": 0.6, "top_p": 0.9 }""", 0)]
    [InlineData("""{ "do_sample": true }""", 1)]
    [InlineData("""{ "do_sample": true, "temperature": null, "top_p": 0.9 }""", 1)]
    [InlineData("""{ "temperature": 0.7 }""", 0.7f)]
    [InlineData("{}", 0)]
    [InlineData(null, 0)]
    public void Temperature_GoesByWhetherTheModelSamples(string? file, float expected) => Assert.Equal(expected, Read(file).Temperature);

    [Fact]
    public void Request_OverridesEachRecommendation()
    {
        const string File = """{ "do_sample": false, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.05, "repetition_penalty": 1.05 }""";
        Assert.Equal(
            new SamplingOptions { Temperature = 0.3f, TopK = 7, TopP = 0.5f, MinP = 0, RepetitionPenalty = 1 },
            Read(File, new ChatOptions { Temperature = 0.3f, TopK = 7, TopP = 0.5f, AdditionalProperties = new() { ["min_p"] = 0.0, ["repetition_penalty"] = 1.0 } }));
        Assert.Equal(0.3f, Read(File, new ChatOptions { Temperature = 0.3f }).Temperature);
        Assert.Equal(20, Read(File, new ChatOptions { Temperature = 0.3f }).TopK);
    }

    [Theory]
    [InlineData("""{ "temperature": 100 }""")]
    [InlineData("""{ "temperature": 1e-30, "top_p": 1e-6, "top_k": 2147483647, "repetition_penalty": 100 }""")]
    public void WhatTheFileMaySay_ARequestMayUse(string file) => Read(file);

    [Theory]
    [InlineData("5", new[] { 5 })]
    [InlineData("[7, 9, 7]", new[] { 7, 9 })]
    [InlineData("[]", new[] { 2 })]
    [InlineData("null", new[] { 2 })]
    public void EndTokens_AreANumberOrAList(string value, int[] expected)
    {
        using var folder = new ModelFolder();
        folder.WithConfig().With("generation_config.json", $$"""{ "eos_token_id": {{value}} }""");
        Assert.Equal(expected, ModelConfig.Load(folder.Path).EndTokenIds);
    }

    private static SamplingOptions Read(string? generationConfig, ChatOptions? options = null)
    {
        using var folder = new ModelFolder();
        folder.WithConfig();
        if (generationConfig is not null)
        {
            folder.With("generation_config.json", generationConfig);
        }

        using MixKvqChatClient client = new ScriptedModel(_ => "").CreateClient();
        return new ChatRequestReader("tiny", ModelConfig.Load(folder.Path).GenerationDefaults, null, keepThoughts: true, canDisableThinking: false, vocabularySize: 300).Read(options, client).Sampling;
    }
}
