using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.Chat;

public sealed class LogProbabilityTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LogProbabilities_ComeWithTheResponse(bool streaming)
    {
        var model = new ScriptedModel(_ => "<think>\nHm.\n</think>\n\nÉté.");
        using MixKvqChatClient client = model.CreateClient();
        var options = new ChatOptions { AdditionalProperties = new() { ["logprobs"] = true, ["top_logprobs"] = 2 } };

        object? reported = streaming
            ? (await client.GetStreamingResponseAsync("Hi", options, Cancellation).ToListAsync(Cancellation))[^1].AdditionalProperties![MixKvqMetadata.TokenLogProbabilities]
            : (await client.GetResponseAsync("Hi", options, Cancellation)).AdditionalProperties![MixKvqMetadata.TokenLogProbabilities];

        var tokens = Assert.IsAssignableFrom<IReadOnlyList<TokenLogProbability>>(reported);
        Assert.Equal("<think>\nHm.\n</think>\n\nÉté.", System.Text.Encoding.UTF8.GetString([.. tokens.SelectMany(token => token.Bytes.ToArray())]));
        Assert.Equal("<think>", tokens[0].Text);

        // The script gives its token a logit of 10 and all others 0.
        double logTotal = Math.Log(Math.Exp(10) + model.Tokenizer.VocabularySize - 1);
        Assert.All(tokens, token =>
        {
            Assert.Equal(10 - logTotal, token.LogProbability, 1e-4);
            Assert.Equal(2, token.Alternatives.Count);
            Assert.Equal((token.TokenId, token.Text, token.LogProbability), (token.Alternatives[0].TokenId, token.Alternatives[0].Text, token.Alternatives[0].LogProbability));
            Assert.Equal(-logTotal, token.Alternatives[1].LogProbability, 1e-4);
            Assert.Empty(token.Alternatives[0].Alternatives);
        });
    }

    [Fact]
    public async Task LogProbabilities_OfHiddenThoughtsAreHidden()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => "<think>\nHm.\n</think>\n\nYes.").CreateClient();
        var options = new ChatOptions { AdditionalProperties = new() { ["logprobs"] = true }, Reasoning = new ReasoningOptions { Output = ReasoningOutput.None } };
        ChatResponse response = await client.GetResponseAsync("Hi", options, Cancellation);
        var tokens = (IReadOnlyList<TokenLogProbability>)response.AdditionalProperties![MixKvqMetadata.TokenLogProbabilities]!;
        Assert.Equal("\n\nYes.", string.Concat(tokens.Select(token => token.Text)));
        Assert.All(tokens, token => Assert.Empty(token.Alternatives));
    }

    [Fact]
    public async Task LogProbabilities_AreLeftOutUnlessAskedFor()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => "Yes.").CreateClient();
        ChatResponse response = await client.GetResponseAsync("Hi", cancellationToken: Cancellation);
        Assert.False(response.AdditionalProperties!.ContainsKey(MixKvqMetadata.TokenLogProbabilities));
    }

    [Theory]
    [InlineData(21.0, true)]
    [InlineData(-1.0, true)]
    [InlineData(1.5, true)]
    [InlineData(3.0, false)]
    public async Task TopLogProbabilities_OutOfRangeAreRefused(double count, bool logProbabilities)
    {
        using MixKvqChatClient client = new ScriptedModel(_ => "Yes.").CreateClient();
        var options = new ChatOptions { AdditionalProperties = new() { ["logprobs"] = logProbabilities, ["top_logprobs"] = count } };
        ArgumentException refusal = await Assert.ThrowsAsync<ArgumentException>(() => client.GetResponseAsync("Hi", options, Cancellation));
        Assert.Contains("top_logprobs", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LogitBias_ReachesTheChoice()
    {
        var model = new ScriptedModel(_ => "Yes.");
        using MixKvqChatClient client = model.CreateClient();
        var options = new ChatOptions { AdditionalProperties = new() { ["logit_bias"] = new Dictionary<string, int> { [$"{model.EndTokens.Single()}"] = 100 } } };
        Assert.Equal("", (await client.GetResponseAsync("Hi", options, Cancellation)).Text);

        options.AdditionalProperties["logit_bias"] = new Dictionary<int, int> { [model.Tokenizer.VocabularySize] = 1 };
        ArgumentException refusal = await Assert.ThrowsAsync<ArgumentException>(() => client.GetResponseAsync("Hi", options, Cancellation));
        Assert.Contains($"logit_bias: the id '{model.Tokenizer.VocabularySize}'", refusal.Message, StringComparison.Ordinal);
    }
}
