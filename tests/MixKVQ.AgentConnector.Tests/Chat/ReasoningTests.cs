using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.Chat;

public sealed class ReasoningTests
{
    /// <summary>As DeepSeek-R1's: the prompt opens the thought, and nothing turns it off.</summary>
    private static readonly string OpeningTemplate = TinyTokenizer.Template
        .Replace("{%- if enable_thinking is defined and enable_thinking is false %}", "{%- if true %}", StringComparison.Ordinal)
        .Replace(@"<think>\n\n</think>\n\n", @"<think>\n", StringComparison.Ordinal);

    private static readonly ChatMessage Question = new(ChatRole.User, "Why?");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ThoughtOverItsBudget_IsClosedAndTheAnswerFollows(bool promptOpensThought)
    {
        var model = new ScriptedModel(_ => "<think>\n" + new string('a', 90), promptOpensThought ? OpeningTemplate : null);
        await using MixKvqChatClient client = model.CreateClient();
        ChatResponse response = await client.GetResponseAsync([Question], Budget(50), Cancellation);

        Assert.InRange(response.Usage!.ReasoningTokenCount!.Value, 40, 51);
        Assert.Matches("^a{30,50}$", Reasoning(response));
        Assert.Matches("^a{30,60}$", response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
    }

    [Fact]
    public async Task ThoughtWithinItsBudget_IsTheModelsOwn()
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => "<think>\nshort\n</think>\n\nbecause").CreateClient();
        ChatResponse response = await client.GetResponseAsync([Question], Budget(50), Cancellation);
        Assert.Equal("short", Reasoning(response));
        Assert.Equal("because", response.Text);
    }

    [Fact]
    public async Task EffortNone_WithoutASwitchInTheTemplate_ClosesTheThoughtAtOnce()
    {
        // The model's script goes on where the closing tokens end.
        var model = new ScriptedModel(_ => "<think>\n...because", OpeningTemplate);
        await using MixKvqChatClient client = model.CreateClient();
        ChatResponse response = await client.GetResponseAsync([Question], new ChatOptions { Reasoning = new ReasoningOptions { Effort = ReasoningEffort.None } }, Cancellation);
        Assert.Equal("", Reasoning(response));
        Assert.Equal("because", response.Text);
    }

    [Fact]
    public async Task BudgetOfZero_BarsTheTagThatOpensAThought()
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => "<think>because").CreateClient();
        ChatResponse response = await client.GetResponseAsync([Question], Budget(0), Cancellation);
        Assert.Equal("", Reasoning(response));
        Assert.EndsWith("because", response.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HiddenThought_IsCountedAndNotReturned()
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => "<think>\nshort\n</think>\n\nbecause").CreateClient();
        ChatResponse response = await client.GetResponseAsync([Question], new ChatOptions { Reasoning = new ReasoningOptions { Output = ReasoningOutput.None } }, Cancellation);
        Assert.Equal("", Reasoning(response));
        Assert.Equal("because", response.Text);
        Assert.InRange(response.Usage!.ReasoningTokenCount!.Value, 7, 11);
    }

    [Fact]
    public async Task ThoughtThatThePromptOpened_IsSplitFromTheAnswerAndCanBeSentBack()
    {
        var model = new ScriptedModel(prompt => prompt.Contains("And?", StringComparison.Ordinal) ? "<think>\nmore\n</think>\n\nagain" : "<think>\nshort\n</think>\n\nbecause", OpeningTemplate);
        await using MixKvqChatClient client = model.CreateClient();
        ChatResponse first = await client.GetResponseAsync([Question], cancellationToken: Cancellation);
        ChatResponse second = await client.GetResponseAsync([Question, .. first.Messages, new(ChatRole.User, "And?")], cancellationToken: Cancellation);

        Assert.Equal(("short", "because"), (Reasoning(first), first.Text));
        Assert.Equal(("more", "again"), (Reasoning(second), second.Text));
        Assert.InRange(second.Usage!.CachedInputTokenCount!.Value, first.Usage!.InputTokenCount!.Value + first.Usage.OutputTokenCount!.Value - 1, long.MaxValue);
    }

    private static ChatOptions Budget(int tokens) => new() { AdditionalProperties = new() { [MixKvqMetadata.ThinkingBudget] = tokens } };

    private static string Reasoning(ChatResponse response) =>
        string.Concat(response.Messages.SelectMany(message => message.Contents).OfType<TextReasoningContent>().Select(thought => thought.Text));
}
