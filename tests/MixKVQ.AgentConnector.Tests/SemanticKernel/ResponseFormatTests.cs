using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using MixKVQ.AgentConnector.SemanticKernel;

namespace MixKVQ.AgentConnector.Tests.SemanticKernel;

public sealed class ResponseFormatTests
{
    private const string Schema = """{"type":"object","properties":{"city":{"type":"string"}}}""";

    /// <summary>A format as callers give it, and its JSON; null for a schema of the type's own.</summary>
    public static TheoryData<object, string?> Formats => new()
    {
        { "text", "\"text\"" },
        { "json_object", "\"json_object\"" },
        { JsonElement.Parse("\"json_object\""), "\"json_object\"" },
        { JsonElement.Parse(Schema), Schema },
        { ChatResponseFormat.Text, "\"text\"" },
        { ChatResponseFormat.Json, "\"json_object\"" },
        { ChatResponseFormat.ForJsonSchema(JsonElement.Parse(Schema), "place"), Schema },
        { JsonElement.Parse("""{"type":"text"}"""), "\"text\"" },
        { JsonElement.Parse("""{"type":"json_object"}"""), "\"json_object\"" },
        { JsonElement.Parse("{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"place\",\"strict\":true,\"schema\":" + Schema + "}}"), Schema },
        { JsonElement.Parse("{}"), "{}" },
        { typeof(Place), null },
    };

    [Theory]
    [MemberData(nameof(Formats), DisableDiscoveryEnumeration = true)]
    public void EveryForm_ReachesTheChatOptionsOnEveryWay(object format, string? json)
    {
        var typed = new MixKvqPromptExecutionSettings { ResponseFormat = format };
        var loose = new PromptExecutionSettings { ExtensionData = new Dictionary<string, object> { ["response_format"] = format } };
        var fromJson = JsonSerializer.Deserialize<MixKvqPromptExecutionSettings>(JsonSerializer.Serialize(typed))!;
        json ??= JsonSerializer.Serialize(typed.ResponseFormat);

        Assert.All(
            [typed, MixKvqPromptExecutionSettings.FromExecutionSettings(loose), fromJson, (MixKvqPromptExecutionSettings)typed.Clone()],
            settings =>
            {
                Assert.Equal(json, JsonSerializer.Serialize(settings.ResponseFormat));
                ChatResponseFormat reached = settings.ToChatOptions(kernel: null)!.ResponseFormat!;
                Assert.Equal(json, reached switch
                {
                    ChatResponseFormatText => "\"text\"",
                    ChatResponseFormatJson { Schema: { } schema } => JsonSerializer.Serialize(schema),
                    _ => "\"json_object\"",
                });
            });
    }

    [Fact]
    public void Type_GivesItsSchema()
    {
        var settings = new MixKvqPromptExecutionSettings { ResponseFormat = typeof(Place) };

        JsonElement schema = Assert.IsType<JsonElement>(settings.ResponseFormat);

        Assert.Equal("string", schema.GetProperty("properties").GetProperty("city").GetProperty("type").GetString());
    }

    [Fact]
    public void UnknownForms_AreRefusedByName()
    {
        Assert.All(
            ["xml", 7, JsonElement.Parse("7"), JsonElement.Parse("""{"type":"json_schema"}""")],
            (object format) =>
            {
                var fault = Assert.Throws<ArgumentException>(() => new MixKvqPromptExecutionSettings { ResponseFormat = format });
                Assert.Contains("response_format", fault.Message, StringComparison.Ordinal);
            });
        var loose = new PromptExecutionSettings { ExtensionData = new Dictionary<string, object> { ["response_format"] = "xml" } };
        Assert.Contains("'xml'", Assert.Throws<ArgumentException>(() => MixKvqPromptExecutionSettings.FromExecutionSettings(loose)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("none", ReasoningEffort.None)]
    [InlineData("low", ReasoningEffort.Low)]
    [InlineData("MEDIUM", ReasoningEffort.Medium)]
    [InlineData("high", ReasoningEffort.High)]
    [InlineData("xhigh", ReasoningEffort.ExtraHigh)]
    public void ReasoningEffort_IsReadFromItsNameAndPassedOn(string name, ReasoningEffort effort)
    {
        var loose = new PromptExecutionSettings { ExtensionData = new Dictionary<string, object> { ["reasoning_effort"] = name } };

        var settings = MixKvqPromptExecutionSettings.FromExecutionSettings(loose);

        Assert.Equal(effort, settings.ReasoningEffort);
        Assert.Equal(effort, settings.ToChatOptions(kernel: null)!.Reasoning!.Effort);
        Assert.Contains($"\"reasoning_effort\":\"{name.ToLowerInvariant()}\"", JsonSerializer.Serialize(settings), StringComparison.Ordinal);
    }

    [Fact]
    public void UnknownEffort_IsRefusedWithTheKnownOnes()
    {
        var loose = new PromptExecutionSettings { ExtensionData = new Dictionary<string, object> { ["reasoning_effort"] = "maximal" } };

        var fault = Assert.Throws<ArgumentException>(() => MixKvqPromptExecutionSettings.FromExecutionSettings(loose));

        Assert.Contains("reasoning_effort", fault.Message, StringComparison.Ordinal);
        Assert.Contains("none, low, medium, high, xhigh", fault.Message, StringComparison.Ordinal);
    }

    private sealed record Place(string City, int People);
}
