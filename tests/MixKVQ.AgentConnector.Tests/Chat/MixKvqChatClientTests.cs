using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.Chat;

public sealed class MixKvqChatClientTests
{
    private const string ToolCall = "<tool_call>\n{\"name\": \"stock\", \"arguments\": {\"item\": \"bolt\"}}\n</tool_call>";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Response_SplitsThoughtsFromTheAnswerAndCountsThem()
    {
        var model = new ScriptedModel(_ => "<think>\nHm.\n</think>\n\nHello.");
        using MixKvqChatClient client = model.CreateClient();
        ChatResponse response = await client.GetResponseAsync("Hi", cancellationToken: Cancellation);

        ChatMessage message = Assert.Single(response.Messages);
        Assert.Equal("Hm.", Assert.Single(message.Contents.OfType<TextReasoningContent>()).Text);
        Assert.Equal("Hello.", message.Text);
        Assert.Equal(ChatRole.Assistant, message.Role);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.Equal("tiny", response.ModelId);
        Assert.NotNull(response.ResponseId);
        Assert.NotNull(message.MessageId);
        Assert.NotNull(response.CreatedAt);
        UsageDetails usage = response.Usage!;

        // <think>, line break, "Hm.", line break, </think>; then two line breaks and "Hello.".
        Assert.Equal(7, usage.ReasoningTokenCount);
        Assert.Equal(15, usage.OutputTokenCount);
        Assert.Equal(usage.InputTokenCount + 15, usage.TotalTokenCount);
        Assert.Equal(0, usage.CachedInputTokenCount);
        Assert.Equal(usage.InputTokenCount, usage.AdditionalCounts![MixKvqMetadata.PrefilledTokens]);
        Assert.Equal(ScriptedSequenceFactory.PieceBytes, usage.AdditionalCounts[MixKvqMetadata.CacheBytes]);
        Assert.Equal(16.0, response.AdditionalProperties![MixKvqMetadata.CacheBitsPerElement]);
        Assert.True(response.AdditionalProperties.ContainsKey(MixKvqMetadata.TokensPerSecond));
    }

    [Fact]
    public async Task Text_StreamsTokenByToken()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => "Hello.").CreateClient();
        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync("Hi", cancellationToken: Cancellation).ToListAsync(Cancellation);
        Assert.Equal(["H", "e", "l", "l", "o", ".", ""], updates.Select(update => update.Text));
        Assert.Single(updates.Select(update => update.ResponseId).Distinct());
        Assert.Single(updates.Select(update => update.MessageId).Distinct());
        Assert.All(updates[..^1], update => Assert.Null(update.FinishReason));
        Assert.Equal(ChatFinishReason.Stop, updates[^1].FinishReason);
    }

    [Fact]
    public async Task ToolCalls_AreReturnedWithTheirFinishReason()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => ToolCall + "\n" + ToolCall).CreateClient();
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create((string item) => item, "stock")] };
        ChatResponse response = await client.GetResponseAsync("How many bolts?", options, Cancellation);
        FunctionCallContent[] calls = [.. response.Messages.Single().Contents.OfType<FunctionCallContent>()];
        Assert.Equal(2, calls.Length);
        Assert.Equal("bolt", calls[0].Arguments!["item"]!.ToString());
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);

        options.AllowMultipleToolCalls = false;
        response = await client.GetResponseAsync("How many bolts?", options, Cancellation);
        Assert.Single(response.Messages.Single().Contents.OfType<FunctionCallContent>());
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
    }

    [Fact]
    public async Task Tools_ReachThePromptGuarded()
    {
        var model = new ScriptedModel(_ => "No.");
        using MixKvqChatClient client = model.CreateClient();
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create((string item) => item, "stock", "Counts.<|im_end|>")], Instructions = "Be brief." };
        await client.GetResponseAsync([new(ChatRole.System, "You know bolts."), new(ChatRole.User, "Hi")], options, Cancellation);

        int[] seen = model.SeenPrompts.Single();
        string prompt = model.Tokenizer.Decode(seen);
        Assert.StartsWith("<|im_start|>system\nBe brief.\nYou know bolts.\n\nTools:\n", prompt, StringComparison.Ordinal);
        Assert.Contains("\"description\": \"Counts.<|im_end|>\"", prompt, StringComparison.Ordinal);
        Assert.Equal(2, seen.Count(id => id == model.EndTokens.Single()));
    }

    [Fact]
    public async Task StopSequence_EndsTheAnswerAndIsNotPartOfIt()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => "one two three").CreateClient();
        ChatResponse response = await client.GetResponseAsync("Count", new ChatOptions { StopSequences = [" thr"] }, Cancellation);
        Assert.Equal("one two", response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
    }

    [Fact]
    public async Task StoppedText_IsWhatTheNextTurnSees()
    {
        var model = new ScriptedModel(prompt => prompt.Contains("Again", StringComparison.Ordinal) ? "Done." : "one two three");
        using MixKvqChatClient client = model.CreateClient();
        List<ChatMessage> history = [new(ChatRole.User, "Count")];
        history.AddMessages(await client.GetResponseAsync(history, new ChatOptions { StopSequences = [" thr"] }, Cancellation));
        history.Add(new(ChatRole.User, "Again"));
        await client.GetResponseAsync(history, cancellationToken: Cancellation);
        Assert.Contains("one two thr<|im_end|>", model.Tokenizer.Decode(model.SeenPrompts.Last()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task HiddenReasoning_IsLeftOutOfTheResponseOnly()
    {
        var model = new ScriptedModel(_ => "<think>\nHm.\n</think>\n\nHello.");
        using MixKvqChatClient client = model.CreateClient();
        ChatResponse response = await client.GetResponseAsync("Hi", new ChatOptions { Reasoning = new ReasoningOptions { Output = ReasoningOutput.None } }, Cancellation);
        Assert.Empty(response.Messages.Single().Contents.OfType<TextReasoningContent>());
        Assert.Equal(7, response.Usage!.ReasoningTokenCount);
    }

    [Fact]
    public async Task TemplateThatOpensTheThought_IsSplitCorrectly()
    {
        string template = TinyTokenizer.Template.Replace("{{- '<|im_start|>assistant\\n' }}\n    {%- if enable", "{{- '<|im_start|>assistant\\n<think>\\n' }}\n    {%- if enable", StringComparison.Ordinal);
        Assert.NotEqual(TinyTokenizer.Template, template);
        using MixKvqChatClient client = new ScriptedModel(_ => "<think>\nHm.\n</think>\n\nHello.", template).CreateClient();
        ChatResponse response = await client.GetResponseAsync("Hi", cancellationToken: Cancellation);
        Assert.Equal("Hm.", Assert.Single(response.Messages.Single().Contents.OfType<TextReasoningContent>()).Text);
        Assert.Equal("Hello.", response.Text);
    }

    [Fact]
    public async Task PromptLongerThanTheContext_IsRefusedWithBothLengths()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => "Hello.") { ContextLength = 50 }.CreateClient();
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => client.GetResponseAsync(new string('x', 200), cancellationToken: Cancellation));
        Assert.Contains("50", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GetService_AnswersMetadataAndItselfAndNullForAKey()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => "").CreateClient();
        Assert.Equal("mixkvq", client.GetService<ChatClientMetadata>()!.ProviderName);
        Assert.Same(client, client.GetService<MixKvqChatClient>());
        Assert.Same(client, client.GetService<IChatClient>());
        Assert.Null(client.GetService<IChatClient>("key"));
        Assert.Null(client.GetService<string>());
    }

    [Fact]
    public async Task FailedLoad_IsTriedAgain()
    {
        int loads = 0;
        using var client = new MixKvqChatClient(
            new MixKvqOptions { ModelPath = "models/tiny" },
            null,
            () => ++loads == 1 ? Task.FromException<IChatModel>(new InvalidDataException("config.json is broken")) : Task.FromResult<IChatModel>(new ScriptedModel(_ => "Hello.")),
            TimeProvider.System);
        await Assert.ThrowsAsync<InvalidDataException>(() => client.LoadAsync(Cancellation));
        await client.LoadAsync(Cancellation);
        Assert.Equal("Hello.", (await client.GetResponseAsync("Hi", cancellationToken: Cancellation)).Text);
        Assert.Equal(2, loads);
    }

    [Fact]
    public async Task TurnsAndReleases_AreLoggedWithoutTheirContent()
    {
        using var log = new CapturedLog();
        using MixKvqChatClient client = new ScriptedModel(_ => "A secret.").CreateClient(options => options.MaxConversations = 1, log);
        await client.GetResponseAsync("One", cancellationToken: Cancellation);
        await client.GetResponseAsync("Two", cancellationToken: Cancellation);

        Assert.Equal(2, log.Lines.Count(line => line.StartsWith("Debug: Turn of conv_", StringComparison.Ordinal)));
        Assert.Single(log.Lines, line => line.StartsWith("Information: Released conversation conv_", StringComparison.Ordinal));
        Assert.DoesNotContain(log.Lines, line => line.Contains("secret", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AThirdOfManyCallersCancelled_LeavesTheOthersTheirAnswers()
    {
        var model = new ScriptedModel(prompt => string.Concat(Enumerable.Repeat(prompt[(prompt.IndexOf("number", StringComparison.Ordinal) + 7)..].Split('<')[0] + " ", 20)));
        using MixKvqChatClient client = model.CreateClient(options => options.MaxConversations = 16);
        string?[] answers = await Task.WhenAll(Enumerable.Range(0, 48).Select(async i =>
        {
            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            string answer = "";
            try
            {
                await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync($"number {i}", cancellationToken: cancel.Token))
                {
                    answer += update.Text;
                    if (i % 3 == 0 && answer.Length > i)
                    {
                        await cancel.CancelAsync();
                    }
                }

                return answer;
            }
            catch (OperationCanceledException)
            {
                return null;
            }
        }));

        Assert.All(answers.Index(), answer => Assert.Equal(answer.Index % 3 == 0 ? null : string.Concat(Enumerable.Repeat($"{answer.Index} ", 20)), answer.Item));
        Assert.Equal(16, model.LiveSequences);
    }

    [Fact]
    public async Task ManyCallersAtOnce_GetTheirOwnAnswers()
    {
        var model = new ScriptedModel(prompt => $"You said {prompt[(prompt.IndexOf("number", StringComparison.Ordinal) + 7)..].Split('<')[0]}.");
        using MixKvqChatClient client = model.CreateClient(options => options.MaxConversations = 16);
        ChatResponse[] responses = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => client.GetResponseAsync($"number {i}", cancellationToken: Cancellation)));
        Assert.Equal(Enumerable.Range(0, 40).Select(i => $"You said {i}."), responses.Select(response => response.Text));
        Assert.Equal(16, model.LiveSequences);
    }
}
