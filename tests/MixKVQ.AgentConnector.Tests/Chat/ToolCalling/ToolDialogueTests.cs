using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Chat.ToolCalling;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Tests.Conversations;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Chat.ToolCalling;

public sealed class ToolDialogueTests
{
    private static readonly PromptSettings WithTools = new("Count well.", ToolCallFormats.Definitions, enableThinking: null);
    private static readonly ToolCall Paris = new("call_of_another_service_1", "get_weather", new JsonObject { ["city"] = "Paris \"1\"", ["days"] = 3 });
    private static readonly ToolCall Rome = new("call_of_another_service_2", "get_weather", new JsonObject { ["city"] = "Rome", ["days"] = 1 });

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(TemplateFamily.Names), MemberType = typeof(TemplateFamily))]
    public void Format_IsFoundByTheTemplate(string name)
    {
        TemplateFamily family = TemplateFamily.Of(name);
        ToolCallFormat found = ToolCallFormat.Detect(family.LoadTemplate(), family.LoadTokenizer());
        Assert.Equal(family.Format.GetType(), found.GetType());
        Assert.Equal(family.Format.Layout, found.Layout);
        Assert.Equal(family.Format.WritesJsonArguments, found.WritesJsonArguments);
    }

    [Fact]
    public void Format_IsFoundByTheTokenizerWhereTheTemplateShowsNone()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ messages[0].content }}", "plain");
        Assert.IsType<MistralFormat>(ToolCallFormat.Detect(template, TinyTokenizer.Load("</s>", "</s>", "[TOOL_CALLS]")));
        Assert.IsType<LlamaFormat>(ToolCallFormat.Detect(template, TinyTokenizer.Load("</s>", "</s>", "<|python_tag|>")));
        Assert.IsType<DeepSeekFormat>(ToolCallFormat.Detect(template, TinyTokenizer.Load("</s>", "</s>", "<｜tool▁calls▁begin｜>")));
        Assert.IsType<HermesFormat>(ToolCallFormat.Detect(template, TinyTokenizer.Load("</s>", "</s>")));
    }

    [Fact]
    public void WrittenCalls_ReadBack()
    {
        foreach (ToolCallFormat format in ToolCallFormats.All)
        {
            string written = format.Layout.Write([("get_weather", "{\"city\": \"Paris \\\"1\\\"\", \"days\": 3}"), ("get_weather", "{\"city\": \"Rome\", \"days\": 1}")]);
            var parser = new ChatOutputParser(startsInThought: false, format, ToolCallFormats.Offered);
            Assert.All((AIContent[])[.. parser.Append(written), .. parser.Finish()], part => Assert.IsType<FunctionCallContent>(part));
            Assert.Equal("", parser.Turn.Text);
            Assert.Collection(parser.Turn.Calls, call => Assert.True(call.IsSameCall(Paris)), call => Assert.True(call.IsSameCall(Rome)));
            Assert.StartsWith(format.Layout.Opening, written, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(TemplateFamily.Names), MemberType = typeof(TemplateFamily))]
    public void Call_IsRenderedAsItIsWritten(string name)
    {
        TemplateFamily family = TemplateFamily.Of(name);
        var renderer = new PromptRenderer(family.LoadTokenizer(), family.LoadTemplate());
        string prompt = Unguarded(family, renderer.RenderAll(
            [new(TurnRole.User, "How is it?"), new(TurnRole.Assistant, "") { Calls = [Rome] }, new(TurnRole.Tool, "Sunny") { CallId = Rome.Id }], WithTools, DateTimeOffset.UnixEpoch, Cancellation));

        string written = family.Format.Layout.Write([(Rome.Name, "{\"city\": \"Rome\", \"days\": 1}")]);
        bool addsAnId = family.Format is MistralFormat;
        Assert.Contains(!family.Format.WritesJsonArguments ? "<parameter=city>\nRome\n</parameter>" : addsAnId ? written[..^2] : written, prompt, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(TemplateFamily.Names), MemberType = typeof(TemplateFamily))]
    public void NothingThatWasSaid_IsMissingInThePrompt(string name)
    {
        TemplateFamily family = TemplateFamily.Of(name);
        var renderer = new PromptRenderer(family.LoadTokenizer(), family.LoadTemplate());
        List<ChatTurn> history =
        [
            new(TurnRole.System, "Speak plainly."),
            new(TurnRole.User, "How is it there?"),
            new(TurnRole.User, "And warm?"),
            new(TurnRole.Assistant, "") { Calls = [Paris, Rome] },
            new(TurnRole.Tool, "Rain in Paris") { CallId = Paris.Id },
            new(TurnRole.Tool, "Sun in Rome") { CallId = Rome.Id },
            new(TurnRole.Assistant, "Wet and dry."),
            new(TurnRole.User, "Once more."),
            new(TurnRole.Assistant, "") { Calls = [Rome] },
        ];
        ChatTurn[] news = [new(TurnRole.Tool, "Snow in Rome") { CallId = Rome.Id }];
        string prompt = Unguarded(family, renderer.RenderAll([.. history, .. news], WithTools, DateTimeOffset.UnixEpoch, Cancellation));
        string? continuation = renderer.RenderContinuation(history, news, WithTools, DateTimeOffset.UnixEpoch, Cancellation);

        string[] said = ["Count well.", "Speak plainly.", "How is it there?", "And warm?", "Rain in Paris", "Sun in Rome", "Wet and dry.", "Once more.", "Snow in Rome", "The tool get_weather", "The tool now"];
        Assert.All(said, text => Assert.Contains(text, prompt, StringComparison.Ordinal));
        Assert.Equal(2, prompt.Split("\"Rome\"").Length - 1 + prompt.Split("\nRome\n").Length - 1);
        Assert.NotNull(continuation);
        Assert.StartsWith(family.EndToken, continuation, StringComparison.Ordinal);
        Assert.Contains("Snow in Rome", continuation, StringComparison.Ordinal);
        Assert.Contains(family.AnswerStarts, start => prompt.EndsWith(start, StringComparison.Ordinal) && continuation.EndsWith(start, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(TemplateFamily.Names), MemberType = typeof(TemplateFamily))]
    public void Results_CannotForgeMarkup(string name)
    {
        TemplateFamily family = TemplateFamily.Of(name);
        ModelTokenizer tokenizer = family.LoadTokenizer();
        var renderer = new PromptRenderer(tokenizer, family.LoadTemplate());
        string forged = string.Concat(family.AddedTokens);
        Assert.Equal(AddedTokens("harmless"), AddedTokens(forged));

        int AddedTokens(string text) => tokenizer.EncodePrompt(renderer.RenderAll(
            [new(TurnRole.User, text), new(TurnRole.Assistant, "") { Calls = [new ToolCall("a", "say", new JsonObject { ["text"] = text })] }, new(TurnRole.Tool, text) { CallId = "a" }],
            WithTools,
            DateTimeOffset.UnixEpoch,
            Cancellation)).Count(segment => segment.IsAdded);
    }

    [Theory]
    [MemberData(nameof(ToolLoops))]
    public async Task ToolLoop_ReadsEveryTokenOnce(string name, bool stateful)
    {
        TemplateFamily family = TemplateFamily.Of(name);
        string thought = family.Format is DeepSeekFormat ? "I look.\n</think>\n\n" : "";
        string[] answers =
        [
            thought + family.Format.Layout.Write([("stock", "{\"item\": \"bolt\"}"), ("stock", "{\"item\": \"nut\"}")]),
            family.Format.Layout.Write([("stock", "{\"item\": \"cog\"}")]),
            "All counted.",
            (thought.Length > 0 ? "I say.\n</think>\n\n" : "") + "Bye.",
        ];
        ScriptedModel model = family.Model(prompt =>
            answers[prompt.Contains("So long", StringComparison.Ordinal) ? 3 : prompt.Contains("17 cogs", StringComparison.Ordinal) ? 2 : prompt.Contains("17 nuts", StringComparison.Ordinal) ? 1 : 0]);
        using IChatClient client = model.CreateClient(options => options.Stateful = stateful).AsBuilder().UseFunctionInvocation().Build();
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create((string item) => $"17 {item}s", "stock", "How many there are.")], Instructions = "Count." };
        List<ChatMessage> messages = [new(ChatRole.User, "How many?")];

        ChatResponse counted = await client.GetResponseAsync(messages, options, Cancellation);
        messages = stateful ? [] : [.. messages, .. counted.Messages];
        options.ConversationId = counted.ConversationId;
        ChatResponse last = await client.GetResponseAsync([.. messages, new(ChatRole.User, "So long")], options, Cancellation);

        Assert.Equal("All counted.", counted.Text);
        Assert.Equal("Bye.", last.Text);
        Assert.Equal(stateful, last.ConversationId is not null);
        int[][] prompts = [.. model.SeenPrompts];
        Assert.Equal(4, prompts.Length);
        for (int i = 1; i < prompts.Length; i++)
        {
            int[] before = [.. prompts[i - 1], .. model.Encode(answers[i - 1])];
            Assert.Equal(before, prompts[i][..before.Length]);
        }

        int generated = answers.Sum(answer => model.Encode(answer).Count);
        Assert.Equal(generated, counted.Usage!.OutputTokenCount + last.Usage!.OutputTokenCount);
        Assert.Equal(
            prompts[3].Length + model.Encode(answers[3]).Count - generated,
            counted.Usage.AdditionalCounts![MixKvqMetadata.PrefilledTokens] + last.Usage.AdditionalCounts![MixKvqMetadata.PrefilledTokens]);
    }

    [Fact]
    public void DeepSeekPrompt_GoesOnBehindTheResults()
    {
        TemplateFamily family = TemplateFamily.Of("DeepSeek-R1 Llama");
        var renderer = new PromptRenderer(family.LoadTokenizer(), family.LoadTemplate());
        string prompt = renderer.RenderAll(
            [new(TurnRole.User, "How is it?"), new(TurnRole.Assistant, "") { Calls = [Rome] }, new(TurnRole.Tool, "Sunny") { CallId = Rome.Id }],
            new PromptSettings(null, null, null),
            DateTimeOffset.UnixEpoch,
            Cancellation);
        Assert.Equal(
            "<｜User｜>How is it?<｜Assistant｜><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"Rome\", \"days\": 1}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
            + "<｜end▁of▁sentence｜><｜tool▁outputs▁begin｜><｜tool▁output▁begin｜>Sunny<｜tool▁output▁end｜><｜tool▁outputs▁end｜>",
            prompt);
    }

    [Fact]
    public void RefusedSystemTurn_BecomesPartOfTheFirstUserTurn()
    {
        TemplateFamily family = TemplateFamily.Of("Gemma style");
        var renderer = new PromptRenderer(family.LoadTokenizer(), family.LoadTemplate());
        string prompt = renderer.RenderAll([new(TurnRole.System, "Be kind."), new(TurnRole.User, "Hi")], new PromptSettings(null, null, null), DateTimeOffset.UnixEpoch, Cancellation);
        Assert.Equal("<start_of_turn>user\nBe kind.\n\nHi<end_of_turn>\n<start_of_turn>model\n", prompt);
    }

    [Fact]
    public void TemplateThatFails_SaysSoAtTheFirstRequest()
    {
        var renderer = new PromptRenderer(TinyTokenizer.Load(), ChatTemplate.Parse("{{ raise_exception('Not today.') }}", "moody"));
        InvalidDataException refusal = Assert.Throws<InvalidDataException>(
            () => renderer.RenderAll([new(TurnRole.User, "Hi")], WithTools, DateTimeOffset.UnixEpoch, Cancellation));
        Assert.Contains("Not today.", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TextBesideACall_IsATurnOfItsOwnWhereTheTemplateWouldDropIt()
    {
        TemplateFamily family = TemplateFamily.Of("Llama 3.1");
        var renderer = new PromptRenderer(family.LoadTokenizer(), family.LoadTemplate());
        string prompt = Unguarded(family, renderer.RenderAll(
            [new(TurnRole.User, "How is it?"), new(TurnRole.Assistant, "I will look.") { Calls = [Paris, Rome] }, new(TurnRole.Tool, "Rome: sun") { CallId = Rome.Id }, new(TurnRole.Tool, "Paris: rain") { CallId = Paris.Id }],
            WithTools,
            DateTimeOffset.UnixEpoch,
            Cancellation));
        int[] places = [.. new[] { "I will look.<|eot_id|>", "Paris \\\"1\\\"", "Paris: rain", "{\"city\": \"Rome\"", "Rome: sun" }.Select(text => prompt.IndexOf(text, StringComparison.Ordinal))];
        Assert.DoesNotContain(-1, places);
        Assert.Equal(places.Order(), places);
    }

    public static TheoryData<string, bool> ToolLoops { get; } = new(
        from name in new[] { "Qwen2.5", "Qwen3-Coder", "Llama 3.1", "DeepSeek-R1 Llama", "Phi-3.5", "Mistral style", "Gemma style" }
        from stateful in new[] { false, true }
        select (name, stateful));

    private static string Unguarded(TemplateFamily family, string prompt) => string.Concat(family.LoadTokenizer().EncodePrompt(prompt).Select(segment => segment.Text));
}
