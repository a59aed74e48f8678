using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Generation;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>Answers that are read again without their thoughts between turns.</summary>
public sealed class IdlePrefillTests
{
    private const string Thought = "<think>\nHm, what would they like to hear of me?\n</think>\n\n";
    private static readonly string Answer = string.Concat(Enumerable.Repeat("All is well in the other house. ", 20));
    private static readonly string Question = new('x', 200);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task NextTurn_AfterIdleTime_ReadsOnlyWhatIsNew(bool stateful)
    {
        var model = new ScriptedModel(_ => Thought + Answer);
        await using MixKvqChatClient client = Client(model, stateful);
        ChatResponse first = await client.GetResponseAsync(Question, cancellationToken: Cancellation);
        long idle = await client.WhenIdleWorkIsDoneAsync(Cancellation);

        ChatResponse second = await Next(client, stateful, first);
        string seen = model.Tokenizer.Decode(model.SeenPrompts.Last());
        int added = Encode(model, "<|im_end|>\n<|im_start|>user\nAgain<|im_end|>\n<|im_start|>assistant\n").Length;
        Assert.DoesNotContain("<think>", seen, StringComparison.Ordinal);
        Assert.Equal(added, second.Usage!.AdditionalCounts![MixKvqMetadata.PrefilledTokens]);
        Assert.Equal(second.Usage.CachedInputTokenCount - 160, idle);
        Assert.Equal(await FreshPrompt(first), model.SeenPrompts.Last());
        await client.WhenIdleWorkIsDoneAsync(Cancellation);
        Assert.Equal(1, model.LiveSequences);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task NextTurn_WaitsForOneStepAndKeepsWhatWasRead(bool stateful)
    {
        var model = new ScriptedModel(_ => Thought + Answer);
        await using MixKvqChatClient client = Client(model, stateful);
        using StepGate gate = new();
        var steps = new ConcurrentQueue<int>();
        ChatResponse first = await Ask(client, model, gate, steps);

        // The request comes while the first of several chunks is read; how many more are, before it is heard, is not known.
        Task<ChatResponse> asked = Next(client, stateful, first);
        await Task.Delay(50, Cancellation);
        gate.Open();
        ChatResponse second = await asked;

        int idle = (int)second.Usage!.CachedInputTokenCount! - 160;
        int chunks = (idle + 127) / 128;
        Assert.InRange(idle, 128, int.MaxValue);
        Assert.Equal(idle, steps.Take(chunks).Sum());
        Assert.Equal(second.Usage.AdditionalCounts![MixKvqMetadata.PrefilledTokens], steps.Skip(chunks).TakeWhile(count => count > 1).Sum());
        Assert.Equal(await FreshPrompt(first), model.SeenPrompts.Last());
    }

    [Fact]
    public async Task RequestOfAnother_GoesFirstAndStopsNothing()
    {
        var model = new ScriptedModel(_ => Thought + Answer);
        await using MixKvqChatClient client = Client(model, stateful: true);
        using StepGate gate = new();
        ChatResponse first = await Ask(client, model, gate, new ConcurrentQueue<int>());

        Task<ChatResponse> other = client.GetResponseAsync("Who is there?", new ChatOptions { AdditionalProperties = new() { ["keep_thoughts"] = true } }, Cancellation);
        gate.Open();
        await other;
        await client.WhenIdleWorkIsDoneAsync(Cancellation);
        ChatResponse second = await Next(client, stateful: true, first);
        Assert.InRange(second.Usage!.AdditionalCounts![MixKvqMetadata.PrefilledTokens], 1, 40);
    }

    [Fact]
    public async Task FailedIdleWork_LeavesTheConversationAsItWas()
    {
        var model = new ScriptedModel(_ => Thought + Answer);
        await using MixKvqChatClient client = Client(model, stateful: true);
        using StepGate gate = new();
        ChatResponse first = await Ask(client, model, gate, new ConcurrentQueue<int>());
        model.OnStep = _ => throw new InvalidOperationException("The device fell over.");
        gate.Open();
        await client.WhenIdleWorkIsDoneAsync(Cancellation);
        model.OnStep = null;

        Assert.Equal(1, model.LiveSequences);
        ChatResponse second = await Next(client, stateful: true, first);
        Assert.Equal(160, second.Usage!.CachedInputTokenCount);
        Assert.Equal(await FreshPrompt(first), model.SeenPrompts.Last());
    }

    [Fact]
    public async Task DisposedClient_ReleasesWhatIdleWorkHolds()
    {
        var model = new ScriptedModel(_ => Thought + Answer);
        MixKvqChatClient client = Client(model, stateful: true);
        using StepGate gate = new();
        await Ask(client, model, gate, new ConcurrentQueue<int>());
        ValueTask disposal = client.DisposeAsync();
        gate.Open();
        await disposal;
        Assert.Equal(0, model.LiveSequences);
    }

    [Fact]
    public async Task StoppedClient_BeginsNoIdleWork()
    {
        var model = new ScriptedModel(_ => Thought + Answer);
        await using MixKvqChatClient client = Client(model, stateful: true);
        IAsyncEnumerator<ChatResponseUpdate> updates = client.GetStreamingResponseAsync(Question, cancellationToken: Cancellation).GetAsyncEnumerator(Cancellation);
        await updates.MoveNextAsync();
        Task stop = client.StopAsync(Cancellation);
        while (await updates.MoveNextAsync())
        {
        }

        await updates.DisposeAsync();
        await stop;
        Assert.Equal(0, await client.WhenIdleWorkIsDoneAsync(Cancellation));
    }

    [Fact]
    public async Task ReleasedConversation_IsNotReadAgain()
    {
        var model = new ScriptedModel(_ => Thought + Answer);
        await using MixKvqChatClient client = model.CreateClient(options => (options.KeepThoughts, options.Stateful, options.MaxConversations) = (false, true, 1));
        using StepGate gate = new();
        ChatResponse first = await Ask(client, model, gate, new ConcurrentQueue<int>());
        Task<ChatResponse> other = client.GetResponseAsync("Who is there?", cancellationToken: Cancellation);
        gate.Open();
        await other;
        await client.WhenIdleWorkIsDoneAsync(Cancellation);
        Assert.Equal(1, model.LiveSequences);
        await Assert.ThrowsAsync<ArgumentException>(() => Next(client, stateful: true, first));
    }

    [Fact]
    public async Task AnswerThatCallsATool_KeepsItsThought()
    {
        var model = new ScriptedModel(_ => Thought + "<tool_call>\n{\"name\": \"stock\", \"arguments\": {}}\n</tool_call>");
        await using MixKvqChatClient client = Client(model, stateful: true);
        await client.GetResponseAsync(Question, new ChatOptions { Tools = [AIFunctionFactory.Create(() => 1, "stock")] }, Cancellation);
        Assert.Equal(0, await client.WhenIdleWorkIsDoneAsync(Cancellation));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Request_DecidesOverThoughts(bool keep)
    {
        var model = new ScriptedModel(_ => Thought + "Hello.");
        await using MixKvqChatClient client = model.CreateClient(options => options.KeepThoughts = !keep);
        var options = new ChatOptions { AdditionalProperties = new() { [MixKvqMetadata.KeepThoughts] = keep } };
        List<ChatMessage> history = [new(ChatRole.User, Question)];
        history.AddMessages(await client.GetResponseAsync(history, options, Cancellation));
        long idle = await client.WhenIdleWorkIsDoneAsync(Cancellation);
        await client.GetResponseAsync([.. history, new(ChatRole.User, "Again")], options, Cancellation);
        Assert.Equal(keep, model.Tokenizer.Decode(model.SeenPrompts.Last()).Contains("Hm, what", StringComparison.Ordinal));
        Assert.Equal(keep, idle == 0);
    }

    [Fact]
    public async Task AnAnswerThatNeedsItsMemory_DoesNotWaitForIt()
    {
        string story = string.Concat(Enumerable.Repeat("Once upon a time there was a house. ", 20));
        var model = new ScriptedModel(prompt => prompt.Contains("Tell", StringComparison.Ordinal) ? story : Thought + Answer);
        await using MixKvqChatClient client = model.CreateClient(options =>
            (options.KeepThoughts, options.Stateful, options.MaxOutputTokens, options.Cache.MemoryBudget) = (false, true, 1000, $"{15 * ScriptedSequenceFactory.PieceBytes}B"));
        using StepGate gate = new();
        await Ask(client, model, gate, new ConcurrentQueue<int>());

        // The idle step under way is the last until the answer ends, and the answer does not fit beside what idle work has claimed.
        Task<ChatResponse> telling = client.GetResponseAsync("Tell", cancellationToken: Cancellation);
        await Task.Delay(50, Cancellation);
        gate.Open();
        Assert.Equal(story.Trim(), (await telling.WaitAsync(TimeSpan.FromSeconds(30), Cancellation)).Text.Trim());
    }

    private static MixKvqChatClient Client(ScriptedModel model, bool stateful) => model.CreateClient(options => (options.KeepThoughts, options.Stateful) = (false, stateful));

    /// <summary>Asks the question; the first step after the answer stands at the gate when this ends. Counts the tokens of the steps from there on.</summary>
    private static async Task<ChatResponse> Ask(MixKvqChatClient client, ScriptedModel model, StepGate gate, ConcurrentQueue<int> steps)
    {
        bool answered = false;
        model.OnStep = count =>
        {
            answered |= count > 1 && !model.SeenPrompts.IsEmpty;
            if (answered)
            {
                steps.Enqueue(count);
                gate.Pass();
            }
        };
        ChatResponse response = await client.GetResponseAsync(Question, cancellationToken: Cancellation);
        await gate.Reached();
        return response;
    }

    private static Task<ChatResponse> Next(MixKvqChatClient client, bool stateful, ChatResponse first) => stateful
        ? client.GetResponseAsync("Again", new ChatOptions { ConversationId = first.ConversationId }, Cancellation)
        : client.GetResponseAsync([new(ChatRole.User, Question), .. first.Messages, new(ChatRole.User, "Again")], cancellationToken: Cancellation);

    private static async Task<int[]> FreshPrompt(ChatResponse first)
    {
        var fresh = new ScriptedModel(_ => Thought + Answer);
        await using MixKvqChatClient client = Client(fresh, stateful: false);
        await Next(client, stateful: false, first);
        return fresh.SeenPrompts.Single();
    }

    private static int[] Encode(ScriptedModel model, string text) => [.. model.Tokenizer.EncodePrompt(text).SelectMany(segment => segment.TokenIds)];
}
