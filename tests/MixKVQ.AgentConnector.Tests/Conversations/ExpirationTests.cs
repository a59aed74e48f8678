using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.Tests.Conversations;

public sealed class ExpirationTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AConversationThatIsUsed_LivesOn_UntilItsSlidingTimeIsOver()
    {
        var clock = new SteppedClock();
        var model = new ScriptedModel(_ => "Yes.");
        using MixKvqChatClient client = Create(model, clock, options => options.SlidingExpiration = TimeSpan.FromHours(1));
        string id = (await client.GetResponseAsync("Begin.", cancellationToken: Cancellation)).ConversationId!;
        for (int i = 0; i < 3; i++)
        {
            clock.Advance(TimeSpan.FromMinutes(50));
            await client.GetResponseAsync("More.", new ChatOptions { ConversationId = id }, Cancellation);
        }

        clock.Advance(TimeSpan.FromMinutes(61));
        Assert.Equal(0, model.Sequences.HeldBytes);
        ArgumentException unknown = await Assert.ThrowsAsync<ArgumentException>(() => client.GetResponseAsync("More.", new ChatOptions { ConversationId = id }, Cancellation));
        Assert.Contains("expired", unknown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AConversation_GoesWhenItsAbsoluteTimeIsOver_EvenIfItIsUsed()
    {
        var clock = new SteppedClock();
        using MixKvqChatClient client = Create(new ScriptedModel(_ => "Yes."), clock, options => options.AbsoluteExpiration = TimeSpan.FromHours(1));
        string id = (await client.GetResponseAsync("Begin.", cancellationToken: Cancellation)).ConversationId!;
        clock.Advance(TimeSpan.FromMinutes(50));
        await client.GetResponseAsync("More.", new ChatOptions { ConversationId = id }, Cancellation);
        clock.Advance(TimeSpan.FromMinutes(11));
        await Assert.ThrowsAsync<ArgumentException>(() => client.GetResponseAsync("More.", new ChatOptions { ConversationId = id }, Cancellation));
        Assert.Empty(await client.Conversations.ListAsync(Cancellation));
    }

    private static MixKvqChatClient Create(ScriptedModel model, TimeProvider clock, Action<MixKvqOptions> configure)
    {
        var options = new MixKvqOptions { ModelPath = "models/tiny", Stateful = true };
        configure(options);
        return new MixKvqChatClient(options, null, () => Task.FromResult<IChatModel>(model), clock);
    }
}
