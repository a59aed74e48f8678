using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.ExtensionsAI;

/// <summary>Answers of a type, whose schema the model's text is held to.</summary>
public sealed class StructuredOutputTests
{
    private const string Json = """{"city":"Rome","metal":"Tin","count":3}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Answer_IsReadAsItsType(bool schemaAsFormat)
    {
        var model = new ScriptedModel(_ => $"<think>\nHm.\n</think>\n\n{Json}");
        using MixKvqChatClient client = model.CreateClient();

        ChatResponse<Place> response = await client.GetResponseAsync<Place>("Where?", useJsonSchemaResponseFormat: schemaAsFormat, cancellationToken: Cancellation);

        Assert.Equal(new Place("Rome", Metal.Tin, 3), response.Result);
        Assert.Equal("Hm.", Assert.Single(response.Messages.Single().Contents.OfType<TextReasoningContent>()).Text);
    }

    [Fact]
    public async Task AnswerOfAScalar_IsWrappedByTheFrameworkAndRead()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => """{"data":17}""").CreateClient();

        ChatResponse<int> response = await client.GetResponseAsync<int>("How many?", cancellationToken: Cancellation);

        Assert.Equal(17, response.Result);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnswerAfterCalls_IsReadAsItsType(bool stateful)
    {
        var model = new ScriptedModel(prompt => prompt.Contains("<tool_response>", StringComparison.Ordinal)
            ? Json
            : "<tool_call>\n{\"name\": \"stock\", \"arguments\": {\"item\": \"tin\"}}\n</tool_call>");
        using IChatClient client = model.CreateClient(options => options.Stateful = stateful).AsBuilder().UseFunctionInvocation().Build();
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create((string item) => 3, "stock")] };

        ChatResponse<Place> response = await client.GetResponseAsync<Place>("How much tin?", options, cancellationToken: Cancellation);

        Assert.Equal(3, response.Result.Count);
        Assert.Equal(2, model.SeenPrompts.Count);
    }

    private sealed record Place(string City, Metal Metal, int Count);

    [JsonConverter(typeof(JsonStringEnumConverter<Metal>))]
    private enum Metal
    {
        Copper,
        Tin,
    }
}
