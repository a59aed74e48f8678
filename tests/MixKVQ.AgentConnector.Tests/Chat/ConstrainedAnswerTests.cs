using System.Text.Json;
using Json.Schema;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Chat.ToolCalling;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.Chat;

public sealed class ConstrainedAnswerTests
{
    private const string City = """{"type":"object","properties":{"city":{"type":"string","maxLength":12},"days":{"type":"integer","minimum":1,"maximum":14}},"required":["city","days"],"additionalProperties":false}""";

    private static readonly ChatMessage Question = new(ChatRole.User, "Weather?");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Schema_HoldsTheAnswerAndLeavesTheThoughtFree()
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => "<think>\nno {json} here\n</think>\n\nIt rains.").CreateClient();
        ChatResponse response = await client.GetResponseAsync([Question], new ChatOptions { ResponseFormat = Format(City) }, Cancellation);
        Assert.Equal("no {json} here", Assert.Single(response.Messages[0].Contents.OfType<TextReasoningContent>()).Text);
        AssertValid(City, response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
    }

    [Fact]
    public async Task AnswerThatHasTheForm_IsTheModelsOwn()
    {
        const string Answer = """{"days": 3, "city": "Oslo"}""";
        await using MixKvqChatClient client = new ScriptedModel(_ => Answer).CreateClient();
        Assert.Equal(Answer, (await client.GetResponseAsync([Question], new ChatOptions { ResponseFormat = Format(City) }, Cancellation)).Text);
        Assert.Equal(Answer, (await client.GetResponseAsync([Question], new ChatOptions { ResponseFormat = ChatResponseFormat.Json }, Cancellation)).Text);
        Assert.Equal(new Place("Oslo", 3), (await client.GetResponseAsync<Place>([Question], JsonSerializerOptions.Web, cancellationToken: Cancellation)).Result);
    }

    [Fact]
    public async Task AnyText_ComesOutAsTheFormAsksUnderRandomLogits()
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => "") { Certainty = 0 }.CreateClient();
        for (int seed = 0; seed < 40; seed++)
        {
            ChatResponse response = await client.GetResponseAsync([Question], new ChatOptions { ResponseFormat = seed % 2 == 0 ? Format(City) : ChatResponseFormat.Json, Temperature = 1, Seed = seed, MaxOutputTokens = 200 }, Cancellation);
            AssertValid(seed % 2 == 0 ? City : """{"type":"object"}""", response.Text);
            Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        }
    }

    [Fact]
    public async Task SchemaBesideTools_AllowsACallOrTheAnswer()
    {
        var model = new ScriptedModel(prompt => prompt.Contains("sunny", StringComparison.Ordinal) ? """{"city": "Oslo", "days": 3}""" : "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\", \"days\": 3}}\n</tool_call>");
        await using MixKvqChatClient client = model.CreateClient();
        IChatClient invoking = client.AsBuilder().UseFunctionInvocation().Build();
        ChatResponse response = await invoking.GetResponseAsync([Question], new ChatOptions { ResponseFormat = Format(City), Tools = [Weather] }, Cancellation);
        Assert.Equal("""{"city": "Oslo", "days": 3}""", response.Text);
        Assert.Equal(3, response.Messages.Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("weather")]
    public async Task RequiredCall_ComesWhateverTheModelWouldSay(string? name)
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => "<think>\nI would rather not.\n</think>\n\nNo.").CreateClient();
        ChatToolMode mode = name is null ? ChatToolMode.RequireAny : ChatToolMode.RequireSpecific(name);
        ChatResponse response = await client.GetResponseAsync([Question], new ChatOptions { Tools = [Weather, Clock], ToolMode = mode, AllowMultipleToolCalls = false }, Cancellation);
        FunctionCallContent call = Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.Contains(call.Name, name is null ? ["weather", "clock"] : new[] { name });
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
        if (call.Name == "weather")
        {
            AssertValid(City, JsonSerializer.Serialize(call.Arguments));
        }
    }

    [Fact]
    public async Task RequiredCalls_ValidateUnderRandomLogits()
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => "") { Certainty = 0 }.CreateClient();
        for (int seed = 0; seed < 40; seed++)
        {
            ChatResponse response = await client.GetResponseAsync(
                [Question], new ChatOptions { Tools = [Weather, Clock], ToolMode = ChatToolMode.RequireSpecific("weather"), Temperature = 1, Seed = seed, MaxOutputTokens = 300 }, Cancellation);
            Assert.All(response.Messages[0].Contents.OfType<FunctionCallContent>(), call => AssertValid(City, JsonSerializer.Serialize(call.Arguments)));
            Assert.NotEmpty(response.Messages[0].Contents.OfType<FunctionCallContent>());
            Assert.Equal("", response.Text);
        }
    }

    [Fact]
    public async Task ArgumentsOfACallTheModelOpened_FitTheToolsSchema()
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => "Let me see.\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": 5, \"days\": \"three\"}}\n</tool_call>").CreateClient();
        ChatResponse response = await client.GetResponseAsync([Question], new ChatOptions { Tools = [Weather], MaxOutputTokens = 200 }, Cancellation);
        Assert.Equal("Let me see.", response.Text);
        AssertValid(City, JsonSerializer.Serialize(Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>()).Arguments));
    }

    [Theory]
    [InlineData("Llama 3.1", "{\"name\": \"weather\", \"parameters\": {\"city\": 5, \"days\": \"x\"}}")]
    [InlineData("Llama 3.1", "<|python_tag|>{\"name\": \"weather\", \"parameters\": {\"city\": 5, \"days\": \"x\"}}")]
    [InlineData("DeepSeek-R1 Llama", "</think>Wait.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{\"city\": 5}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>")]
    [InlineData("Mistral style", "Wait.[TOOL_CALLS] [{\"name\": \"weather\", \"arguments\": {\"city\": 5, \"days\": \"x\"}}]")]
    public async Task ArgumentsInEveryFormat_FitTheToolsSchema(string name, string written)
    {
        TemplateFamily family = TemplateFamily.Of(name);
        await using MixKvqChatClient client = family.Model(_ => written).CreateClient();
        ChatResponse response = await client.GetResponseAsync([Question], new ChatOptions { Tools = [Weather], MaxOutputTokens = 250, AllowMultipleToolCalls = false }, Cancellation);
        AssertValid(City, JsonSerializer.Serialize(Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>()).Arguments));
    }

    [Fact]
    public async Task ToolModeNone_BarsTheCallAndKeepsTheCache()
    {
        var model = new ScriptedModel(prompt => prompt.Contains("Say it", StringComparison.Ordinal) ? "<tool_call>\n{\"name\": \"clock\", \"arguments\": {}}\n</tool_call>" : "Hello.");
        await using MixKvqChatClient client = model.CreateClient();
        var options = new ChatOptions { Tools = [Clock] };
        ChatResponse first = await client.GetResponseAsync([Question], options, Cancellation);
        options.ToolMode = ChatToolMode.None;
        ChatResponse second = await client.GetResponseAsync([Question, .. first.Messages, new(ChatRole.User, "Say it")], options, Cancellation);
        Assert.Empty(second.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.Contains("clock", second.Text, StringComparison.Ordinal);
        Assert.True(second.Usage!.CachedInputTokenCount > first.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task SchemaThatIsNotSupported_IsRefusedByNameBeforeTheModelIsAsked()
    {
        var model = new ScriptedModel(_ => "x");
        await using MixKvqChatClient client = model.CreateClient();
        const string Not = """{"type":"object","properties":{"a":{"not":{"type":"string"}}}}""";
        NotSupportedException refused = await Assert.ThrowsAsync<NotSupportedException>(() => client.GetResponseAsync([Question], new ChatOptions { ResponseFormat = Format(Not) }, Cancellation));
        Assert.Contains("not", refused.Message, StringComparison.Ordinal);
        Assert.Contains("/properties/a", refused.Message, StringComparison.Ordinal);

        AITool odd = AIFunctionFactory.CreateDeclaration("odd", "", JsonElement.Parse(Not));
        await Assert.ThrowsAsync<NotSupportedException>(() => client.GetResponseAsync([Question], new ChatOptions { Tools = [odd], ToolMode = ChatToolMode.RequireAny }, Cancellation));
        Assert.Empty(model.SeenPrompts);

        // A tool on offer is worth more than the constraint of its arguments.
        Assert.Equal("x", (await client.GetResponseAsync([Question], new ChatOptions { Tools = [odd] }, Cancellation)).Text);
    }

    private static AITool Weather { get; } = AIFunctionFactory.Create((string city, int days) => $"sunny in {city}", "weather") is var function ? new WithSchema(function, City) : null!;

    private static AITool Clock { get; } = AIFunctionFactory.Create(() => "noon", "clock");

    private static ChatResponseFormatJson Format(string schema) => ChatResponseFormat.ForJsonSchema(JsonElement.Parse(schema));

    private static void AssertValid(string schema, string json) =>
        Assert.True(JsonSchema.FromText(schema).Evaluate(JsonElement.Parse(json)).IsValid, $"{json} does not fit {schema}");

    private sealed record Place(string City, int Days);

    /// <summary>A function with a schema of the test's.</summary>
    private sealed class WithSchema(AIFunction inner, string schema) : DelegatingAIFunction(inner)
    {
        public override JsonElement JsonSchema { get; } = JsonElement.Parse(schema);
    }
}
