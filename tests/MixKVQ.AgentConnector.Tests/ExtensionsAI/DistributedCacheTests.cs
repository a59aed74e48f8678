using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.ExtensionsAI;

/// <summary>Answers that come out of a distributed cache, as JSON and back, instead of from the client.</summary>
public sealed class DistributedCacheTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task CachedAnswer_IsTheAnswer(bool streaming, bool coalesced)
    {
        var model = new ScriptedModel(_ => "<think>\nLook it up.\n</think>\n\nOne moment.\n<tool_call>\n{\"name\": \"stock\", \"arguments\": {\"item\": \"bolt\", \"depth\": 2, \"shelves\": [1, 2.5]}}\n</tool_call>");
        using IChatClient client = Build(model.CreateClient(), coalesced);
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create((string item, int depth, double[] shelves) => 17, "stock")] };

        ChatResponse first = await AskAsync(client, options, streaming);
        ChatResponse cached = await AskAsync(client, options, streaming);

        Assert.Single(model.SeenPrompts);
        Assert.Equal(ToJson(first), ToJson(cached));
        AIContent[] contents = [.. cached.Messages.Single().Contents];
        Assert.Equal("Look it up.", Assert.IsType<TextReasoningContent>(contents[0]).Text);
        Assert.StartsWith("One moment.", Assert.IsType<TextContent>(contents[1]).Text, StringComparison.Ordinal);
        var call = Assert.IsType<FunctionCallContent>(contents[^1]);
        Assert.Equal("""{"item":"bolt","depth":2,"shelves":[1,2.5]}""", JsonSerializer.Serialize(call.Arguments));
        Assert.Equal(ChatFinishReason.ToolCalls, cached.FinishReason);
        Assert.True(cached.Usage!.ReasoningTokenCount > 0);
        Assert.Equal(cached.Usage.InputTokenCount, cached.Usage.AdditionalCounts![MixKvqMetadata.PrefilledTokens]);
        AdditionalPropertiesDictionary properties = (cached.AdditionalProperties ?? cached.Messages[0].AdditionalProperties)!;
        Assert.Equal("16", properties[MixKvqMetadata.CacheBitsPerElement]?.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LogProbabilities_OfACachedAnswerAreJson(bool streaming)
    {
        using IChatClient client = Build(new ScriptedModel(_ => "Hello.").CreateClient());
        var options = new ChatOptions { AdditionalProperties = new() { ["logprobs"] = true, ["top_logprobs"] = 1 } };

        ChatResponse first = await AskAsync(client, options, streaming);
        ChatResponse cached = await AskAsync(client, options, streaming);

        Assert.Equal(ToJson(first), ToJson(cached));
        var tokens = (JsonElement)(cached.AdditionalProperties ?? cached.Messages[0].AdditionalProperties)![MixKvqMetadata.TokenLogProbabilities]!;
        Assert.Equal("Hello.", string.Concat(tokens.EnumerateArray().Select(token => token.GetProperty("text").GetString())));
    }

    [Fact]
    public async Task CachedAnswer_IsContinuedByTheRetainedCache()
    {
        var model = new ScriptedModel(_ => "<think>\nHm.\n</think>\n\nHello.");
        using IChatClient client = Build(model.CreateClient());
        await AskAsync(client, null, streaming: false);
        List<ChatMessage> history = [new(ChatRole.User, "How many?")];
        history.AddMessages(await AskAsync(client, null, streaming: false));
        history.Add(new ChatMessage(ChatRole.User, "And now?"));

        ChatResponse response = await client.GetResponseAsync(history, cancellationToken: Cancellation);

        int added = model.Tokenizer.EncodePrompt("<|im_end|>\n<|im_start|>user\nAnd now?<|im_end|>\n<|im_start|>assistant\n").Sum(segment => segment.TokenIds.Length);
        Assert.Equal(added, response.Usage!.AdditionalCounts![MixKvqMetadata.PrefilledTokens]);
    }

    /// <summary>What is asked within a conversation depends on what came before: it is not cached.</summary>
    [Fact]
    public async Task TurnsOfANamedConversation_AreNotCached()
    {
        var model = new ScriptedModel(_ => "Hello.");
        using IChatClient client = Build(model.CreateClient(options => options.Stateful = true));
        ChatResponse first = await client.GetResponseAsync("Hi", cancellationToken: Cancellation);
        var options = new ChatOptions { ConversationId = first.ConversationId };

        await client.GetResponseAsync("Again", options, Cancellation);
        await client.GetResponseAsync("Again", options, Cancellation);

        Assert.Equal(3, model.SeenPrompts.Count);
    }

    private static IChatClient Build(IChatClient client, bool coalesced = true) => client.AsBuilder()
        .UseDistributedCache(new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions())), cache => cache.CoalesceStreamingUpdates = coalesced)
        .Build();

    private static async Task<ChatResponse> AskAsync(IChatClient client, ChatOptions? options, bool streaming) => streaming
        ? await client.GetStreamingResponseAsync("How many?", options, Cancellation).ToChatResponseAsync(Cancellation)
        : await client.GetResponseAsync("How many?", options, Cancellation);

    private static string ToJson(ChatResponse response) => JsonSerializer.Serialize(response, AIJsonUtilities.DefaultOptions);
}
