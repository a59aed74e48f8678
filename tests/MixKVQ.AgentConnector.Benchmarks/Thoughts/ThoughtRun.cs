using System.Diagnostics;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Benchmarks.Thoughts;

/// <summary>
/// A tool-using dialogue with fixed thoughts and answers: in each turn a question, a thought with a call, its result, a thought with the answer.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="turns">How many turns.</param>
/// <param name="thoughtTokens">The tokens of each of the two thoughts of a turn.</param>
internal sealed class ThoughtRun(FixedAnswers model, int turns, int thoughtTokens)
{
    private static readonly string[] Items = ["copper", "tin", "cable", "wire"];

    private string _callId = "";

    /// <summary>What the prompts read before their first tokens.</summary>
    public long PrefilledTokens { get; private set; }

    /// <summary>What was read between turns, where there was time.</summary>
    public long IdleTokens { get; private set; }

    /// <summary>What the last prompt had.</summary>
    public long LastPromptTokens { get; private set; }

    /// <summary>The bytes of the caches after the last turn.</summary>
    public long CacheBytes { get; private set; }

    /// <summary>From each question to the first token of the thought after it.</summary>
    public List<double> SecondsToFirstToken { get; } = [];

    /// <summary>All requests, without the time between turns.</summary>
    public double BusySeconds { get; private set; }

    /// <summary>Runs the dialogue.</summary>
    /// <param name="keepThoughts">The policy.</param>
    /// <param name="isIdle">Whether there is time between turns.</param>
    public async Task RunAsync(bool keepThoughts, bool isIdle)
    {
        // The model outlives the client: it is lent.
        await using var client = new MixKvqChatClient(new MixKvqOptions { ModelPath = "fixed", Stateful = true, KeepThoughts = keepThoughts }, null, () => Task.FromResult<IChatModel>(new LentModel(model)), TimeProvider.System);
        var options = new ChatOptions
        {
            Instructions = "You plan for a warehouse. Think, then call one tool or answer.",
            Tools = [AIFunctionFactory.Create((string item) => 0, "stock", "How many there are of an item.")],
            Temperature = 0,
        };
        for (int turn = 0; turn < turns; turn++)
        {
            string item = Items[turn % Items.Length];
            string answer = $"There are {345 + turn} {item}. The order of {item} arrives on Monday, and the cost is {1200 + turn}.";
            double asked = await AskAsync(client, new ChatMessage(ChatRole.User, $"Check the stock of {item} for order {turn}. What does it cost?"), options, Thought(item), $$$"""<tool_call>{{{"\n"}}}{"name": "stock", "arguments": {"item": "{{{item}}}"}}{{{"\n"}}}</tool_call>""");
            SecondsToFirstToken.Add(asked);
            await AskAsync(client, new ChatMessage(ChatRole.Tool, [new FunctionResultContent(_callId, $"stock {item} {345 + turn}, price {12 + turn}")]), options, Thought(item), answer);
            if (isIdle)
            {
                IdleTokens = await client.WhenIdleWorkIsDoneAsync();
            }
        }

        CacheBytes = client.Status.Retained!.Value.CacheBytes;
    }

    private async Task<double> AskAsync(MixKvqChatClient client, ChatMessage message, ChatOptions options, int[] thought, string answer)
    {
        model.Say([.. Encode("<think>\n"), .. thought, .. Encode("\n</think>\n\n" + answer)]);
        double first = 0;
        List<ChatResponseUpdate> updates = [];
        long start = Stopwatch.GetTimestamp();
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync([message], options))
        {
            first = updates.Count == 0 ? Stopwatch.GetElapsedTime(start).TotalSeconds : first;
            updates.Add(update);
        }

        BusySeconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
        ChatResponse response = updates.ToChatResponse();
        options.ConversationId = response.ConversationId;
        FunctionCallContent? call = response.Messages.SelectMany(said => said.Contents).OfType<FunctionCallContent>().SingleOrDefault();
        if (call is null && response.Text != answer)
        {
            throw new InvalidOperationException($"The model was told to say '{answer}', and said '{response.Text}'.");
        }

        _callId = call?.CallId ?? "";
        PrefilledTokens += response.Usage!.AdditionalCounts![MixKvqMetadata.PrefilledTokens];
        LastPromptTokens = response.Usage.InputTokenCount!.Value;
        return first;
    }

    private int[] Thought(string item)
    {
        int[] sentence = Encode($"Need the price of {item}. Check the stock, then order what is missing. ");
        return [.. Enumerable.Range(0, thoughtTokens).Select(i => sentence[i % sentence.Length])];
    }

    private int[] Encode(string text) => [.. model.Tokenizer.EncodePrompt(text).SelectMany((PromptSegment segment) => segment.TokenIds)];
}
