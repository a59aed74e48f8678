using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Chat.ToolCalling;
using MixKVQ.AgentConnector.Tests.Constraints;
using MixKVQ.AgentConnector.Tests.Conversations;
using MixKVQ.AgentConnector.Tests.Models;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Chat;

/// <summary>Models that know nothing, and calls that are well-formed nevertheless.</summary>
public sealed class ForcedCallTests
{
    private static readonly JsonNode City = JsonNode.Parse("""{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer","minimum":1,"maximum":14}},"required":["city","days"],"additionalProperties":false}""")!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TemplateFamily.Names), MemberType = typeof(TemplateFamily))]
    public async Task RandomLogits_GiveCallsThatValidateInEveryFormat(string name)
    {
        TemplateFamily family = TemplateFamily.Of(name);
        var model = new ScriptedModel(_ => "", family.LoadTokenizer(), family.LoadTemplate()) { AnswerStarts = family.AnswerStarts, Certainty = 0 };
        await using MixKvqChatClient client = model.CreateClient();
        for (int seed = 0; seed < 12; seed++)
        {
            await CallAsync(client, City, ChatToolMode.RequireAny, seed, maxTokens: 250);
        }
    }

    [Theory]
    [InlineData("qwen2.5")]
    [InlineData("phi-3-mini")]
    [InlineData("minimind")]
    public async Task RandomLogits_OverRealVocabulariesGiveCallsThatValidate(string name)
    {
        string folder = Fixtures.Shared("tokenizers", name);
        var model = new ScriptedModel(_ => "", ModelTokenizer.Load(folder), ChatTemplate.Load(folder)) { Certainty = 0 };
        await using MixKvqChatClient client = model.CreateClient();
        for (int seed = 0; seed < 8; seed++)
        {
            await CallAsync(client, City, ChatToolMode.RequireAny, seed, maxTokens: 250);
        }
    }

    [Theory]
    [InlineData("DeepSeek-R1 Llama", "<｜tool▁calls▁end｜>")]
    [InlineData("Mistral style", "]")]
    [InlineData("Qwen2.5", "</tool_call>")]
    public async Task OnlyCall_IsWrittenToTheEndOfItsMarkup(string name, string end)
    {
        TemplateFamily family = TemplateFamily.Of(name);
        ScriptedModel model = family.Model(_ => (family.AnswerStarts[0].Contains("<think>", StringComparison.Ordinal) ? "</think>" : "") + family.Format.Layout.Write([("f", "{\"days\": 1}"), ("f", "{\"days\": 2}")]));
        await using MixKvqChatClient client = model.CreateClient();
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create((int days) => days, "f")], AllowMultipleToolCalls = false };
        ChatMessage question = new(ChatRole.User, "Do it.");
        ChatResponse first = await client.GetResponseAsync([question], options, Cancellation);
        FunctionCallContent call = Assert.Single(first.Messages[0].Contents.OfType<FunctionCallContent>());
        await client.GetResponseAsync([question, .. first.Messages, new ChatMessage(ChatRole.Tool, [new FunctionResultContent(call.CallId, "done")])], options, Cancellation);
        string prompt = model.Tokenizer.Decode(model.SeenPrompts.Last());
        Assert.Contains(end, prompt[prompt.LastIndexOf(family.Format.Layout.Opening, StringComparison.Ordinal)..], StringComparison.Ordinal);
    }

    [Fact]
    public async Task EveryBfclFunction_IsCalledWithValidArguments()
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => "") { Certainty = 0 }.CreateClient();
        int count = 0;
        foreach (JsonNode schema in FunctionSchemaTests.Schemas())
        {
            await CallAsync(client, schema, ChatToolMode.RequireSpecific("f"), count++, maxTokens: 250);
        }

        Assert.True(count > 800, $"Only {count} functions were found.");
    }

    [Fact]
    public async Task RandomWeights_CallEveryTwentiethBfclFunctionWithValidArguments()
    {
        using TinyModel folder = TinyModel.OfChats();
        await using var client = new MixKvqChatClient(new MixKvqOptions { ModelPath = folder.Folder });
        int count = 0;
        foreach (JsonNode schema in FunctionSchemaTests.Schemas().Where((_, index) => index % 20 == 0))
        {
            await CallAsync(client, schema, ChatToolMode.RequireSpecific("f"), count++, maxTokens: 250);
        }
    }

    private static async Task CallAsync(IChatClient client, JsonNode schema, ChatToolMode mode, int seed, int maxTokens)
    {
        var options = new ChatOptions
        {
            Tools = [AIFunctionFactory.CreateDeclaration("f", "A function.", JsonSerializer.SerializeToElement(schema))],
            ToolMode = mode,
            Temperature = 1,
            Seed = seed,
            MaxOutputTokens = maxTokens,
            AllowMultipleToolCalls = seed % 2 == 0 ? false : null,
            Reasoning = new ReasoningOptions { Output = ReasoningOutput.None },
        };
        ChatResponse response = await client.GetResponseAsync("Do it.", options, Cancellation);
        IReadOnlyList<AIContent> said = [.. response.Messages.SelectMany(message => message.Contents).Where(content => content is not UsageContent)];
        Assert.NotEmpty(said);
        Assert.All(said, content =>
        {
            FunctionCallContent call = Assert.IsType<FunctionCallContent>(content);
            Assert.Equal("f", call.Name);
            SchemaVerdict.Check(schema.ToJsonString(), JsonSerializer.Serialize(call.Arguments));
        });
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
    }
}
