using System.Text.Json;
using System.Text.RegularExpressions;
using CsCheck;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Conversations;
using MixKVQ.AgentConnector.Tests.Tokens;

namespace MixKVQ.AgentConnector.Tests.Contract;

/// <summary>
/// What holds for callers whichever way they come: a class for each way inherits these cases. The client, its
/// conversations and its template are real, and the model answers from a script.
/// </summary>
public abstract class ChatContract
{
    private const string Answer = "<think>\nHm.\n</think>\n\nHello there.";
    private const string NextTurn = "<|im_end|>\n<|im_start|>user\nAgain<|im_end|>\n<|im_start|>assistant\n";

    private static readonly Gen<string> Texts =
        RandomText.OneOf("a", "the", " ", "\n", "é", "🙂", "<", "</", ">", "think", "tool_call", "{\"", "\\", "END").Array[0, 12].Select(string.Concat)
            .Where(text => !text.Contains("think>", StringComparison.Ordinal) && !text.Contains("<tool_call>", StringComparison.Ordinal));

    private protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Asks for a whole answer; calls are invoked.</summary>
    private protected abstract Task<ContractReply> AskAsync(MixKvqChatClient client, ContractRequest request, CancellationToken cancellationToken);

    /// <summary>Asks for the answer in parts, of every request where there are several; calls are invoked.</summary>
    private protected abstract IAsyncEnumerable<ContractReply> StreamAsync(MixKvqChatClient client, ContractRequest request, CancellationToken cancellationToken);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Answer_ComesWithItsThoughtItsUsageAndItsEnd(bool streaming)
    {
        var model = new ScriptedModel(_ => Answer);
        await using MixKvqChatClient client = model.CreateClient();

        ContractReply reply = await GetAsync(client, new ContractRequest("Hi"), streaming);

        Assert.Equal(("Hello there.", "Hm.", "stop"), (reply.Text, reply.Thought, reply.FinishReason));
        Assert.Null(reply.ConversationId);
        Assert.Equal(model.SeenPrompts.Single().Length, reply.Usage!.InputTokenCount);
        Assert.Equal(0, reply.Usage.CachedInputTokenCount);
        Assert.Equal((7, 21), (reply.Usage.ReasoningTokenCount, reply.Usage.OutputTokenCount));
    }

    [Fact]
    public async Task Stream_ComesInManyPartsThatEqualTheWholeAnswer()
    {
        var model = new ScriptedModel(_ => Answer);
        await using MixKvqChatClient client = model.CreateClient();
        await using MixKvqChatClient other = model.CreateClient();

        List<ContractReply> parts = await StreamAsync(client, new ContractRequest("Hi"), Cancellation).ToListAsync(Cancellation);
        ContractReply whole = await AskAsync(other, new ContractRequest("Hi"), Cancellation);

        Assert.True(parts.Count(part => part.Text.Length > 0) > 5);
        ContractReply joined = parts.Aggregate((reply, part) => reply.Then(part));
        Assert.Equal((whole.Text, whole.Thought, whole.FinishReason), (joined.Text, joined.Thought, joined.FinishReason));
        Assert.Equal((whole.Usage!.InputTokenCount, whole.Usage.OutputTokenCount), (joined.Usage!.InputTokenCount, joined.Usage.OutputTokenCount));
    }

    /// <summary>Text that looks like tags, and characters of several tokens, come through a stream as they are.</summary>
    [Fact]
    public Task RandomAnswers_StreamAsTheyComeWhole() => Gen.Select(Texts, Texts).SampleAsync(
        async (thought, text) =>
        {
            var model = new ScriptedModel(_ => $"<think>\n{thought}\n</think>\n\n{text}");
            await using MixKvqChatClient client = model.CreateClient();

            ContractReply streamed = await GetAsync(client, new ContractRequest("Hi"), streaming: true);
            ContractReply whole = await GetAsync(client, new ContractRequest("Hi"), streaming: false);

            Assert.Equal((whole.Text, whole.Thought, whole.FinishReason), (streamed.Text, streamed.Thought, streamed.FinishReason));
            Assert.Equal((text.Trim(), thought.Trim()), (whole.Text.Trim(), whole.Thought.Trim()));
        },
        iter: 20);

    [Fact]
    public async Task SystemMessage_LeadsThePrompt()
    {
        var model = new ScriptedModel(_ => Answer);
        await using MixKvqChatClient client = model.CreateClient();

        await AskAsync(client, new ContractRequest([new(ChatRole.System, "Be kind."), new(ChatRole.User, "Hi")]), Cancellation);

        Assert.Equal(
            "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
            model.Tokenizer.Decode(model.SeenPrompts.Single()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SecondTurn_PrefillsOnlyNewTokens(bool streaming)
    {
        var model = new ScriptedModel(_ => Answer);
        await using MixKvqChatClient client = model.CreateClient();
        ContractReply first = await GetAsync(client, new ContractRequest("Hi"), streaming);

        ContractReply second = await GetAsync(
            client, new ContractRequest([new(ChatRole.User, "Hi"), first.ToMessage(), new(ChatRole.User, "Again")]), streaming);

        AssertPrefillsOnly(model, NextTurn, first, second);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task SecondTurn_OfANamedConversationPrefillsOnlyNewTokens(bool streaming)
    {
        var model = new ScriptedModel(_ => Answer);
        await using MixKvqChatClient client = model.CreateClient(options => options.Stateful = true);
        ContractReply first = await GetAsync(client, new ContractRequest("Hi"), streaming);

        ContractReply second = await GetAsync(client, new ContractRequest("Again") { ConversationId = first.ConversationId }, streaming);

        Assert.NotNull(first.ConversationId);
        Assert.Equal(first.ConversationId, second.ConversationId);
        AssertPrefillsOnly(model, NextTurn, first, second);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Calls_AreInvokedAndTheirResultsRead(bool stateful, bool streaming)
    {
        var model = new ScriptedModel(prompt => prompt.Contains("tool_response", StringComparison.Ordinal)
            ? "<think>\nNow I know.\n</think>\n\nBoth are there."
            : $"<think>\nLook.\n</think>\n\n{Call(prompt, "bolt")}\n{Call(prompt, "nut")}");
        await using MixKvqChatClient client = model.CreateClient(options => options.Stateful = stateful);
        List<string> asked = [];
        AIFunction stock = AIFunctionFactory.Create((string item) =>
        {
            asked.Add(item);
            return $"17 {item}s";
        }, "stock", "How many there are.");

        ContractReply reply = await GetAsync(client, new ContractRequest("How many?") { Functions = [stock] }, streaming);

        Assert.EndsWith("Both are there.", reply.Text, StringComparison.Ordinal);
        Assert.EndsWith("Now I know.", reply.Thought, StringComparison.Ordinal);
        Assert.Equal("stop", reply.FinishReason);
        Assert.Equal(["bolt", "nut"], asked);
        Assert.Equal(2, model.SeenPrompts.Count);
        Assert.Equal(model.SeenPrompts.First(), model.SeenPrompts.Last()[..model.SeenPrompts.First().Length]);
        Assert.Contains(
            "<tool_response>\n17 bolts\n</tool_response><|im_end|>\n<|im_start|>user\n<tool_response>\n17 nuts\n</tool_response>",
            model.Tokenizer.Decode(model.SeenPrompts.Last()),
            StringComparison.Ordinal);
        Assert.Contains("Look.", model.Tokenizer.Decode(model.SeenPrompts.Last()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RequiredCall_IsMadeThoughTheModelWouldNot(bool streaming)
    {
        var model = new ScriptedModel(prompt => prompt.Contains("tool_response", StringComparison.Ordinal) ? "Done." : "<think>\nRather not.\n</think>\n\nNo.");
        await using MixKvqChatClient client = model.CreateClient();
        int calls = 0;
        AIFunction count = AIFunctionFactory.Create((bool all) => ++calls, "count");

        ContractReply reply = await GetAsync(client, new ContractRequest("Count.") { Functions = [count], RequiresCall = true }, streaming);

        Assert.Equal(1, calls);
        Assert.Equal(("Done.", "stop"), (reply.Text, reply.FinishReason));
        Assert.Equal(2, model.SeenPrompts.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnswerOfASchema_IsWhatTheSchemaSays(bool streaming)
    {
        // What is not allowed of the script, the schema replaces: here the quotes.
        await using MixKvqChatClient client = new ScriptedModel(_ => "<think>\nHm.\n</think>\n\n?Paris?").CreateClient();

        ContractReply reply = await GetAsync(client, new ContractRequest("Where?") { Schema = JsonElement.Parse("""{"enum": ["Rome", "Paris"]}""") }, streaming);

        Assert.Equal(("Hm.", "\"Paris\"", "stop"), (reply.Thought, reply.Text.Trim(), reply.FinishReason));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EffortNone_TurnsThinkingOff(bool streaming)
    {
        // The prompt ends with an empty thought, and what the script says begins before it.
        await using MixKvqChatClient client = new ScriptedModel(_ => "<think>\n\n</think>\n\nHello there.").CreateClient();

        ContractReply reply = await GetAsync(client, new ContractRequest("Hi") { Effort = ReasoningEffort.None }, streaming);

        Assert.Equal(("", "Hello there."), (reply.Thought, reply.Text));
        Assert.Equal((0, "Hello there.".Length), (reply.Usage!.ReasoningTokenCount, reply.Usage.OutputTokenCount));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StopSequence_EndsTheAnswerAndIsNotPartOfIt(bool streaming)
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => Answer).CreateClient();

        ContractReply reply = await GetAsync(client, new ContractRequest("Hi") { StopSequence = " there" }, streaming);

        Assert.Equal(("Hello", "stop"), (reply.Text, reply.FinishReason));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OutputLimit_EndsTheAnswerForItsLength(bool streaming)
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => "Hello there.").CreateClient();

        ContractReply reply = await GetAsync(client, new ContractRequest("Hi") { MaxOutputTokens = 5 }, streaming);

        Assert.Equal(("Hello", "length"), (reply.Text, reply.FinishReason));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task UnknownConversation_IsRefusedByName(bool streaming)
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => Answer).CreateClient(options => options.Stateful = true);

        Exception refusal = await Assert.ThrowsAnyAsync<Exception>(() => GetAsync(client, new ContractRequest("Hi") { ConversationId = "conv_7" }, streaming));

        Assert.Contains("'conv_7'", Assert.IsType<ArgumentException>(refusal.GetBaseException()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CancelledTurn_LeavesTheConversationAsBefore()
    {
        var model = new ScriptedModel(_ => Answer);
        await using MixKvqChatClient client = model.CreateClient(options => options.Stateful = true);
        ContractReply first = await AskAsync(client, new ContractRequest("Hi"), Cancellation);

        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ContractReply part in StreamAsync(client, new ContractRequest("Cancelled") { ConversationId = first.ConversationId }, cancel.Token))
            {
                await cancel.CancelAsync();
            }
        });
        ContractReply second = await AskAsync(client, new ContractRequest("Again") { ConversationId = first.ConversationId }, Cancellation);

        Assert.DoesNotContain("Cancelled", model.Tokenizer.Decode(model.SeenPrompts.Last()), StringComparison.Ordinal);
        AssertPrefillsOnly(model, NextTurn, first, second);
        Assert.Equal(1, model.LiveSequences);
    }

    [Fact]
    public async Task CallersAtOnce_GetTheirOwnAnswers()
    {
        var model = new ScriptedModel(prompt => $"You said {Regex.Match(prompt, "number ([0-9]+)").Groups[1].Value}.");
        await using MixKvqChatClient client = model.CreateClient();

        ContractReply[] replies = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => GetAsync(client, new ContractRequest($"number {i}"), streaming: i % 2 == 0)));

        Assert.Equal(Enumerable.Range(0, 8).Select(i => $"You said {i}."), replies.Select(reply => reply.Text));
    }

    /// <summary>A call of the stock function, by the name that the prompt gives it.</summary>
    private static string Call(string prompt, string item) =>
        $"<tool_call>\n{{\"name\": \"{Regex.Match(prompt, "\"name\": \"([A-Za-z-]*stock)\"").Groups[1].Value}\", \"arguments\": {{\"item\": \"{item}\"}}}}\n</tool_call>";

    private static void AssertPrefillsOnly(ScriptedModel model, string added, ContractReply earlier, ContractReply later)
    {
        int newTokens = model.Tokenizer.EncodePrompt(added).Sum(segment => segment.TokenIds.Length);
        Assert.Equal(earlier.Usage!.InputTokenCount + earlier.Usage.OutputTokenCount, later.Usage!.CachedInputTokenCount);
        Assert.Equal(newTokens, later.Usage.InputTokenCount - later.Usage.CachedInputTokenCount);
        Assert.Equal(newTokens, later.Usage.AdditionalCounts![MixKvqMetadata.PrefilledTokens]);
    }

    private async Task<ContractReply> GetAsync(MixKvqChatClient client, ContractRequest request, bool streaming) => streaming
        ? await StreamAsync(client, request, Cancellation).AggregateAsync(new ContractReply(), (reply, part) => reply.Then(part), Cancellation)
        : await AskAsync(client, request, Cancellation);
}
