using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Hosting;
using MixKVQ.AgentConnector.Tests.Conversations;
using MixKVQ.AgentConnector.Tests.Models;

namespace MixKVQ.AgentConnector.Tests.Hosting;

/// <summary>The whole way, from a model folder with random weights to the answer.</summary>
public sealed class RandomModelTests : IDisposable
{
    private readonly TinyModel _model = TinyModel.OfChats();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(KvCachePolicy.MixKvq, false)]
    [InlineData(KvCachePolicy.MixKvq, true)]
    [InlineData(KvCachePolicy.FullPrecision, false)]
    public async Task SecondTurn_PrefillsOnlyNewTokens(KvCachePolicy policy, bool stateful)
    {
        await using MixKvqChatClient client = Client(policy, stateful);
        var opening = new ChatMessage(ChatRole.User, string.Concat(Enumerable.Repeat("the other hour in all ", 30)));
        var question = new ChatMessage(ChatRole.User, "Again");
        var options = new ChatOptions { MaxOutputTokens = 24, Temperature = 1, Seed = 3 };

        ChatResponse first = await client.GetResponseAsync([opening], options, Cancellation);
        options.ConversationId = first.ConversationId;
        ChatResponse second = await client.GetResponseAsync(stateful ? [question] : [opening, .. first.Messages, question], options, Cancellation);

        Assert.Equal(stateful, second.ConversationId is not null);
        int added = TinyTokenizer.Load().EncodePrompt("<|im_end|>\n<|im_start|>user\nAgain<|im_end|>\n<|im_start|>assistant\n").Sum(segment => segment.TokenIds.Length);
        UsageDetails before = first.Usage!;
        UsageDetails after = second.Usage!;
        int unread = first.FinishReason == ChatFinishReason.Length ? 1 : 0;
        Assert.Equal(added + unread, after.AdditionalCounts![MixKvqMetadata.PrefilledTokens]);
        Assert.Equal(before.InputTokenCount + before.OutputTokenCount - unread, after.CachedInputTokenCount);
        Assert.InRange(after.AdditionalCounts[MixKvqMetadata.CacheBytes], 1, long.MaxValue);
        double bits = (double)second.AdditionalProperties![MixKvqMetadata.CacheBitsPerElement]!;
        Assert.True(bits > 2 && (policy != KvCachePolicy.MixKvq || after.InputTokenCount > 160), $"{bits} bits an element");
    }

    [Fact]
    public async Task SameSeed_GivesTheSameText_HoweverMuchWasCached()
    {
        string opening = string.Concat(Enumerable.Repeat("all in the hour ", 30));
        var options = new ChatOptions { MaxOutputTokens = 12, Temperature = 0.8f, Seed = 11 };
        await using MixKvqChatClient client = Client(KvCachePolicy.FullPrecision, stateful: false);
        ChatResponse first = await client.GetResponseAsync(opening, options, Cancellation);
        ChatResponse again = await client.GetResponseAsync(opening, options, Cancellation);
        Assert.Equal(0, first.Usage!.CachedInputTokenCount);
        Assert.True(again.Usage!.CachedInputTokenCount >= 160);
        Assert.Equal(first.Text, again.Text);
    }

    [Fact]
    public async Task CallersAtOnce_AreAllAnswered()
    {
        await using MixKvqChatClient client = Client(KvCachePolicy.MixKvq, stateful: false);
        var options = new ChatOptions { MaxOutputTokens = 5, Temperature = 0 };
        ChatResponse[] together = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => client.GetResponseAsync($"Number {i}", options, Cancellation)));
        for (int i = 0; i < together.Length; i++)
        {
            await using MixKvqChatClient alone = Client(KvCachePolicy.MixKvq, stateful: false);
            Assert.Equal((await alone.GetResponseAsync($"Number {i}", options, Cancellation)).Text, together[i].Text);
        }
    }

    [Fact]
    public async Task DisposedClient_GivesEveryPageBack()
    {
        var options = new MixKvqOptions { ModelPath = _model.Folder, MaxConversations = 2 };
        ModelRuntime runtime = ModelRuntime.Load(options, NullLoggerFactory.Instance);
        await using (var client = new MixKvqChatClient(options, null, () => Task.FromResult<IChatModel>(runtime), TimeProvider.System))
        {
            var few = new ChatOptions { MaxOutputTokens = 3 };
            string history = string.Concat(Enumerable.Repeat("the hour in ", 40));
            await Task.WhenAll(Enumerable.Range(0, 4).Select(i => client.GetResponseAsync($"{history} and {i}", few, Cancellation)));
            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync($"{history} and left", few, Cancellation))
            {
                break;
            }

            runtime.Caches.Pool.CheckIntegrity();
            Assert.True(runtime.Caches.Pool.LivePageCount > 0);
        }

        runtime.Caches.Pool.CheckIntegrity();
        Assert.Equal(0, runtime.Caches.Pool.LivePageCount);
    }

    [Fact]
    public async Task BrokenFolder_IsNamedWithItsFile()
    {
        File.Delete(Path.Combine(_model.Folder, "model.safetensors"));
        await using MixKvqChatClient client = Client(KvCachePolicy.MixKvq, stateful: false);
        InvalidDataException error = await Assert.ThrowsAsync<InvalidDataException>(() => client.LoadAsync(Cancellation));
        Assert.Contains("safetensors", error.Message, StringComparison.Ordinal);
    }

    private MixKvqChatClient Client(KvCachePolicy policy, bool stateful) =>
        new(new MixKvqOptions { ModelPath = _model.Folder, Stateful = stateful, Cache = new KvCacheOptions { Policy = policy } });
}
