using CsCheck;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Chat;

namespace MixKVQ.AgentConnector.Tests.Conversations;

public sealed class ContextOverflowTests
{
    private const int ContextLength = 1200;
    private const int AnswerTokens = 100;
    private const string Instructions = "Be brief.";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LongDialogue_GoesOnAndReadsOnlyNewTokensBetweenDrops(bool stateful)
    {
        ScriptedModel model = Model();
        using MixKvqChatClient client = Client(model, options => options.Stateful = stateful);
        var options = new ChatOptions { MaxOutputTokens = AnswerTokens };
        List<ChatMessage> history = [new(ChatRole.System, Instructions)];
        List<int> dropped = [];
        for (int turn = 0; turn < 40; turn++)
        {
            history.Add(Question(turn));
            ChatResponse response = await client.GetResponseAsync(stateful && turn > 0 ? [history[^1]] : history, options, Cancellation);
            history.AddMessages(response);
            options.ConversationId = response.ConversationId;
            dropped.Add(response.AdditionalProperties!.TryGetValue(MixKvqMetadata.DroppedMessages, out int count) ? count : 0);

            string prompt = model.Tokenizer.Decode(model.SeenPrompts.Last());
            Assert.Equal($"Answer {turn}.", response.Text);
            Assert.StartsWith($"<|im_start|>system\n{Instructions}<|im_end|>\n<|im_start|>user\n{Question(dropped[^1] / 2).Text}<|im_end|>", prompt, StringComparison.Ordinal);
            Assert.True(response.Usage!.InputTokenCount <= ContextLength - AnswerTokens);
            if (turn > 0 && dropped[^1] == dropped[^2])
            {
                Assert.InRange(response.Usage.AdditionalCounts![MixKvqMetadata.PrefilledTokens], 1, 130);
            }
        }

        // Dropped in batches: several turns pass before the next.
        Assert.Equal(dropped, dropped.Order());
        Assert.True(dropped[^1] > 20);
        Assert.InRange(dropped.Distinct().Count(), 3, 14);
        Assert.Equal(1, model.LiveSequences);
    }

    [Fact]
    public async Task ChangedQuestion_LeavesOutTheSameMessages()
    {
        ScriptedModel model = Model();
        using MixKvqChatClient client = Client(model);
        var options = new ChatOptions { MaxOutputTokens = AnswerTokens };
        List<ChatMessage> history = [new(ChatRole.System, Instructions)];
        ChatResponse last;
        do
        {
            history.Add(Question(history.Count));
            last = await client.GetResponseAsync(history, options, Cancellation);
            history.AddMessages(last);
        }
        while (!last.AdditionalProperties!.ContainsKey(MixKvqMetadata.DroppedMessages));

        history[^2] = new ChatMessage(ChatRole.User, $"{new string('?', 80)} number 1?");
        ChatResponse changed = await client.GetResponseAsync(history[..^1], options, Cancellation);
        Assert.Equal(last.AdditionalProperties[MixKvqMetadata.DroppedMessages], changed.AdditionalProperties![MixKvqMetadata.DroppedMessages]);
        Assert.True(changed.Usage!.CachedInputTokenCount > changed.Usage.InputTokenCount / 2);
    }

    [Fact]
    public async Task WholeHistoryAtOnce_IsCutToItsNewestExchanges()
    {
        using var log = new CapturedLog();
        ScriptedModel model = Model();
        using MixKvqChatClient client = Client(model, loggerFactory: log);
        List<ChatMessage> history = [new(ChatRole.System, Instructions)];
        for (int turn = 0; turn < 60; turn++)
        {
            history.AddRange([Question(turn), new ChatMessage(ChatRole.Assistant, $"Answer {turn}.")]);
        }

        history.Add(Question(60));
        ChatResponse response = await client.GetResponseAsync(history, new ChatOptions { MaxOutputTokens = AnswerTokens }, Cancellation);
        Assert.Equal("Answer 60.", response.Text);
        int limit = (ContextLength - AnswerTokens) * 3 / 4;
        Assert.InRange(response.Usage!.InputTokenCount!.Value, limit - 120, limit);
        Assert.Equal(0, (int)response.AdditionalProperties![MixKvqMetadata.DroppedMessages]! % 2);
        Assert.Single(log.Lines, line => line.StartsWith($"Information: The context of {ContextLength} tokens is full: the {response.AdditionalProperties[MixKvqMetadata.DroppedMessages]} oldest messages", StringComparison.Ordinal));
    }

    [Fact]
    public Task RandomDialogues_ShowTheModelWhatAFreshClientShowsItOfTheMessagesThatAreLeft() =>
        Gen.Select(Gen.Int[1, 200].Array[1, 20], Gen.Int[0, 200], Gen.Bool).SampleAsync(
            async (lengths, instructions, keepsThoughts) =>
            {
                var model = new ScriptedModel(Answer) { WritesCanonically = true, ContextLength = 700 };
                await using MixKvqChatClient client = Client(model, options => options.KeepThoughts = keepsThoughts);
                var options = new ChatOptions { MaxOutputTokens = 60 };
                List<ChatMessage> history = [new(ChatRole.System, new string('i', instructions))];
                foreach ((int turn, int length) in lengths.Index())
                {
                    history.Add(new ChatMessage(ChatRole.User, $"{turn}{new string('q', length)}"));
                    ChatResponse response = await client.GetResponseAsync(history, options);
                    int dropped = response.AdditionalProperties!.TryGetValue(MixKvqMetadata.DroppedMessages, out int count) ? count : 0;

                    var fresh = new ScriptedModel(Answer) { WritesCanonically = true };
                    await using MixKvqChatClient freshClient = fresh.CreateClient();
                    ChatResponse expected = await freshClient.GetResponseAsync([history[0], .. history.Skip(1 + dropped)], options);
                    Assert.Equal(fresh.SeenPrompts.Single(), model.SeenPrompts.Last());
                    Assert.Equal(expected.Text, response.Text);
                    Assert.True(response.Usage!.InputTokenCount <= 700 - 60);
                    Assert.Equal(0, dropped % 2);
                    history.AddMessages(response);
                }

                static string Answer(string prompt) => $"Yes, {prompt.Length}.";
            },
            iter: 40);

    [Fact]
    public async Task ToolResult_IsNeverLeftWithoutItsCall()
    {
        ScriptedModel model = new(prompt => prompt.EndsWith("</tool_response><|im_end|>\n<|im_start|>assistant\n", StringComparison.Ordinal)
            ? "So many."
            : "<tool_call>\n{\"name\": \"stock\", \"arguments\": {}}\n</tool_call>")
        {
            ContextLength = ContextLength,
        };
        using IChatClient client = Client(model).AsBuilder().UseFunctionInvocation().Build();
        var options = new ChatOptions { MaxOutputTokens = AnswerTokens, Tools = [AIFunctionFactory.Create(() => new string('n', 60), "stock")] };
        List<ChatMessage> history = [];
        bool dropped = false;
        for (int turn = 0; turn < 12; turn++)
        {
            history.Add(new ChatMessage(ChatRole.User, $"How many in number {turn}?"));
            ChatResponse response = await client.GetResponseAsync(history, options, Cancellation);
            history.AddMessages(response);
            dropped |= response.AdditionalProperties?.ContainsKey(MixKvqMetadata.DroppedMessages) == true;
            string prompt = model.Tokenizer.Decode(model.SeenPrompts.Last());
            int[] users = Positions(prompt, "<|im_start|>user\nHow many");
            int[] calls = Positions(prompt, "<tool_call>");
            int[] results = Positions(prompt, "<tool_response>");
            Assert.Equal((users.Length, users.Length), (calls.Length, results.Length));
            Assert.All(users.Zip(calls, results), entry => Assert.True(entry.First < entry.Second && entry.Second < entry.Third));
        }

        Assert.True(dropped);
    }

    [Fact]
    public async Task ExchangeThatDoesNotFitAlone_IsRefused()
    {
        using MixKvqChatClient client = Client(Model());
        List<ChatMessage> history = [Question(0), new(ChatRole.Assistant, "Answer 0."), new(ChatRole.User, new string('x', 2 * ContextLength))];
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => client.GetResponseAsync(history, cancellationToken: Cancellation));
        Assert.Contains($"{ContextLength}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ExchangeThatFitsOnlyAlone_IsAnswered()
    {
        using MixKvqChatClient client = Client(Model());
        List<ChatMessage> history = [Question(0), new(ChatRole.Assistant, "Answer 0."), new(ChatRole.User, $"number 7? {new string('x', 1050)}")];
        ChatResponse response = await client.GetResponseAsync(history, cancellationToken: Cancellation);
        Assert.Equal(2, response.AdditionalProperties![MixKvqMetadata.DroppedMessages]);
    }

    [Fact]
    public async Task WithoutThePolicy_NothingIsLeftOut()
    {
        using MixKvqChatClient client = Model().CreateClient();
        List<ChatMessage> history = [.. Enumerable.Range(0, 20).SelectMany(turn => new[] { Question(turn), new ChatMessage(ChatRole.Assistant, "Answer.") }), Question(20)];
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => client.GetResponseAsync(history, cancellationToken: Cancellation));
        Assert.Contains("ContextOverflow", refusal.Message, StringComparison.Ordinal);
    }

    private static ChatMessage Question(int number) => new(ChatRole.User, $"{new string((char)('a' + (number % 26)), 60)} number {number}?");

    private static ScriptedModel Model() => new(prompt => $"Answer {prompt[(prompt.LastIndexOf("number ", StringComparison.Ordinal) + 7)..].Split('?')[0]}.") { ContextLength = ContextLength };

    private static MixKvqChatClient Client(ScriptedModel model, Action<MixKvqOptions>? configure = null, CapturedLog? loggerFactory = null) => model.CreateClient(
        options =>
        {
            options.ContextOverflow = ContextOverflowPolicy.DropOldest;
            configure?.Invoke(options);
        },
        loggerFactory);

    private static int[] Positions(string text, string part)
    {
        List<int> positions = [];
        for (int at = text.IndexOf(part, StringComparison.Ordinal); at >= 0; at = text.IndexOf(part, at + 1, StringComparison.Ordinal))
        {
            positions.Add(at);
        }

        return [.. positions];
    }
}
