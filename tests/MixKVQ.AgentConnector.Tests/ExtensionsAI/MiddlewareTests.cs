using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Chat;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.ExtensionsAI;

/// <summary>The rest of Microsoft.Extensions.AI's middleware over the real client.</summary>
public sealed class MiddlewareTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ConfiguredOptions_ReachTheModel()
    {
        using IChatClient client = new ScriptedModel(_ => "Hello there.").CreateClient()
            .AsBuilder()
            .ConfigureOptions(options => options.MaxOutputTokens = 5)
            .Build();
        var own = new ChatOptions { MaxOutputTokens = 3 };

        ChatResponse response = await client.GetResponseAsync("Hi", own, Cancellation);

        Assert.Equal("Hello", response.Text);
        Assert.Equal(3, own.MaxOutputTokens);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Logging_WritesRequestsAndAnswersAsJson(bool streaming)
    {
        using var log = new CapturedLog();
        using IChatClient client = new ScriptedModel(_ => "<think>\nHm.\n</think>\n\nHello.").CreateClient().AsBuilder().UseLogging(log).Build();

        _ = streaming
            ? await client.GetStreamingResponseAsync("Hi", cancellationToken: Cancellation).ToChatResponseAsync(Cancellation)
            : await client.GetResponseAsync("Hi", cancellationToken: Cancellation);

        string lines = string.Join('\n', log.Lines);
        Assert.Contains("\"Hi\"", lines, StringComparison.Ordinal);
        Assert.Contains(MixKvqMetadata.CacheBitsPerElement, lines, StringComparison.Ordinal);
        Assert.Contains(streaming ? "GetStreamingResponseAsync completed" : "GetResponseAsync completed", lines, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logging_TellsRefusals()
    {
        using var log = new CapturedLog();
        using IChatClient client = new ScriptedModel(_ => "Hello.").CreateClient().AsBuilder().UseLogging(log).Build();

        await Assert.ThrowsAsync<ArgumentException>(() => client.GetResponseAsync("Hi", new ChatOptions { ConversationId = "conv_7" }, Cancellation));

        Assert.Contains(log.Lines, line => line.StartsWith("Error: GetResponseAsync failed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ReducedHistory_ReusesTheLongestPrefixAndIsAnsweredRight()
    {
        var model = new ScriptedModel(prompt => $"{prompt.Split("<|im_start|>user\n").Length - 1} questions.");
        using IChatClient client = model.CreateClient()
            .AsBuilder()
            .UseChatReducer(new MessageCountingChatReducer(3))
            .Build();
        List<ChatMessage> history = [new(ChatRole.System, new string('s', 430))];
        List<ChatResponse> responses = [];
        foreach (string question in new[] { "One?", "Two?", "Three?", "Four?" })
        {
            history.Add(new ChatMessage(ChatRole.User, question));
            responses.Add(await client.GetResponseAsync(history, cancellationToken: Cancellation));
            history.AddMessages(responses[^1]);
        }

        // Of the last question's history, the system message and three messages are left.
        Assert.Equal("2 questions.", responses[^1].Text);
        string prompt = model.Tokenizer.Decode(model.SeenPrompts.Last());
        Assert.DoesNotContain("Two?", prompt, StringComparison.Ordinal);
        Assert.Contains("Three?", prompt, StringComparison.Ordinal);

        // The second turn read its new tokens only; later ones begin anew at the page border inside the system message.
        Assert.Equal(responses[0].Usage!.TotalTokenCount, responses[1].Usage!.CachedInputTokenCount);
        Assert.Equal(32 + 3 * 128, responses[2].Usage!.CachedInputTokenCount);
        Assert.Equal(32 + 3 * 128, responses[3].Usage!.CachedInputTokenCount);
    }
}
