using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Tests.Conversations;

public sealed class SharedPrefixTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AHundredAgentsWithOneSystemPrompt_HoldItOnce(bool atOnce)
    {
        const int agents = 100;
        var model = new ScriptedModel(_ => "Yes.");
        using MixKvqChatClient client = model.CreateClient(options => options.Stateful = true);
        string instructions = string.Concat(Enumerable.Range(0, 300).Select(i => $"Rule {i}. "))[..1500];
        IEnumerable<Task<ChatResponse>> turns = Enumerable.Range(0, agents).Select(i => client.GetResponseAsync($"I am agent {i}.", new ChatOptions { Instructions = instructions }, Cancellation));
        if (atOnce)
        {
            await Task.WhenAll(turns);
        }
        else
        {
            foreach (Task<ChatResponse> turn in turns)
            {
                await turn;
            }
        }

        ConversationCacheReport report = await client.Conversations.GetReportAsync(Cancellation);
        int pages = CacheGeometry.PagesIn((await client.Conversations.ListAsync(Cancellation))[0].CachedTokenCount);
        Assert.Equal(agents, report.InMemoryCount);
        Assert.Equal(ScriptedSequenceFactory.PieceBytes * (pages + agents), report.MemoryBytes);
        Assert.Equal(ScriptedSequenceFactory.PieceBytes * (pages + 1L) * agents, report.UnsharedBytes);
        Assert.Equal(report.MemoryBytes, model.Sequences.HeldBytes);
    }
}
