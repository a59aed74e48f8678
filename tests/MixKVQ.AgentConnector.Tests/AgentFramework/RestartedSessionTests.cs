using System.Text.Json;
using Microsoft.Agents.AI;
using MixKVQ.AgentConnector.Tests.Checkpoints;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.AgentFramework;

/// <summary>Sessions that outlive the client, whose conversations are kept in a folder.</summary>
public sealed class RestartedSessionTests : IDisposable
{
    private readonly ModelFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task SerializedSession_GoesOnAfterARestart_AndOnlyNewTokensAreRead(bool stateful, bool streaming)
    {
        JsonElement saved;
        using (MixKvqChatClient client = Create(new ScriptedModel(Answer), stateful))
        {
            var agent = new ChatClientAgent(client, instructions: "Be kind.");
            AgentSession session = await agent.CreateSessionAsync(Cancellation);
            await agent.Ask($"{new string('x', 400)} first?", session, streaming);
            await agent.Ask("second?", session, streaming);
            saved = JsonElement.Parse((await agent.SerializeSessionAsync(session, cancellationToken: Cancellation)).GetRawText());
        }

        var model = new ScriptedModel(Answer);
        using MixKvqChatClient later = Create(model, stateful);
        var resumed = new ChatClientAgent(later, instructions: "Be kind.");
        AgentSession restored = await resumed.DeserializeSessionAsync(saved, cancellationToken: Cancellation);
        AgentResponse response = await resumed.Ask("third?", restored, streaming);
        Assert.Equal("3 asked", response.Text);
        Assert.Equal(model.NewTokens("third?"), response.Prefilled());
        Assert.StartsWith("<|im_start|>system\nBe kind.<|im_end|>", model.Tokenizer.Decode(model.SeenPrompts.Last()), StringComparison.Ordinal);
        Assert.Equal(stateful ? 1 : 0, (await later.Conversations.ListAsync(Cancellation)).Count(conversation => conversation.Id == ((ChatClientAgentSession)restored).ConversationId));
        Assert.Single(await later.Conversations.ListAsync(Cancellation));
    }

    private MixKvqChatClient Create(ScriptedModel model, bool stateful) =>
        model.CreateClient(options => (options.Stateful, options.Cache.SpillDirectory) = (stateful, _folder.File("conversations")));

    private static string Answer(string prompt) => $"{prompt.Split('?').Length - 1} asked";
}
