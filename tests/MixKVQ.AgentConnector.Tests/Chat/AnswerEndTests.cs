using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.Chat;

/// <summary>Where an answer ends: stop sequences and the output limit.</summary>
public sealed class AnswerEndTests
{
    private const string Thoughtful = "<think>\nFirst.\n\nThen STOP.\n</think>\n\nOne.\n\nTwo.";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("\n\n", "One.")]
    [InlineData("STOP", "One.\n\nTwo.")]
    [InlineData("One", "")]
    [InlineData("\nT", "One.\n")]
    [InlineData("\n", "One.")]
    public async Task StopSequence_EndsTheAnswerAndNotTheThought(string stop, string answer)
    {
        using MixKvqChatClient client = new ScriptedModel(_ => Thoughtful).CreateClient();
        ChatResponse response = await client.GetResponseAsync("Hi", new ChatOptions { StopSequences = [stop] }, Cancellation);
        Assert.Equal("First.\n\nThen STOP.", Assert.Single(response.Messages.Single().Contents.OfType<TextReasoningContent>()).Text);
        Assert.Equal(answer, response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
    }

    [Fact]
    public async Task StopSequence_LeavesAThoughtAloneThatTheTemplateOpened()
    {
        string template = TinyTokenizer.Template.Replace("{{- '<|im_start|>assistant\\n' }}\n    {%- if enable", "{{- '<|im_start|>assistant\\n<think>\\n' }}\n    {%- if enable", StringComparison.Ordinal);
        Assert.NotEqual(TinyTokenizer.Template, template);
        using MixKvqChatClient client = new ScriptedModel(_ => Thoughtful, template).CreateClient();
        ChatResponse response = await client.GetResponseAsync("Hi", new ChatOptions { StopSequences = ["\n\n"] }, Cancellation);
        Assert.Equal("First.\n\nThen STOP.", Assert.Single(response.Messages.Single().Contents.OfType<TextReasoningContent>()).Text);
        Assert.Equal("One.", response.Text);
    }

    [Fact]
    public async Task StopSequence_EndsTheTurnAtItsLastToken()
    {
        var model = new ScriptedModel(_ => "one two three four");
        using MixKvqChatClient client = model.CreateClient();
        ChatResponse response = await client.GetResponseAsync("Count", new ChatOptions { StopSequences = ["four", "thr"] }, Cancellation);
        Assert.Equal("one two ", response.Text);
        Assert.Equal("one two thr".Length, response.Usage!.OutputTokenCount);
    }

    [Fact]
    public async Task TextThatMightHaveStopped_IsGivenOutAtTheEnd()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => "one tw").CreateClient();
        ChatResponse response = await client.GetResponseAsync("Count", new ChatOptions { StopSequences = ["two"] }, Cancellation);
        Assert.Equal("one tw", response.Text);
    }

    [Fact]
    public async Task AnswerWithStopSequences_StreamsTokenByTokenAllTheSame()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => "Hello.") { WritesCanonically = true }.CreateClient();
        List<ChatResponseUpdate> plain = await client.GetStreamingResponseAsync("Hi", cancellationToken: Cancellation).ToListAsync(Cancellation);
        List<ChatResponseUpdate> stopped = await client.GetStreamingResponseAsync("Hi", new ChatOptions { StopSequences = ["x"] }, Cancellation).ToListAsync(Cancellation);
        Assert.Equal(plain.Select(update => update.Text), stopped.Select(update => update.Text));
    }

    [Theory]
    [InlineData(null, 3)]
    [InlineData(5, 5)]
    public async Task OutputLimit_EndsTheAnswerAndThoughtsCount(int? limit, int expected)
    {
        using MixKvqChatClient client = new ScriptedModel(_ => Thoughtful).CreateClient(options => options.MaxOutputTokens = 3);
        ChatResponse response = await client.GetResponseAsync("Hi", new ChatOptions { MaxOutputTokens = limit }, Cancellation);
        Assert.Equal(expected, response.Usage!.OutputTokenCount);
        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.Equal("", response.Text);
    }

    [Fact]
    public async Task FullContext_EndsTheAnswer()
    {
        using MixKvqChatClient client = new ScriptedModel(_ => new string('x', 500)) { ContextLength = 100 }.CreateClient();
        ChatResponse response = await client.GetResponseAsync("Hi", cancellationToken: Cancellation);
        Assert.Equal(100, response.Usage!.TotalTokenCount);
        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
    }
}
