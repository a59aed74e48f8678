using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.StorageProbe;
using MixKVQ.AgentConnector.Tests.Checkpoints;
using MixKVQ.AgentConnector.Tests.Models;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Hosting.Restarts;

/// <summary>Clients of a real model whose process is killed: the next process goes on with their conversations as if nothing had happened.</summary>
public sealed class KilledClientTests : IDisposable
{
    private const int Kills = 3;

    private static readonly string Long = string.Concat(Enumerable.Repeat("the other hour in all ", 20));

    private readonly TinyModel _model = TinyModel.OfChats();
    private readonly ModelFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task KilledBetweenTurns_TheConversationGoesOn_AndOnlyNewTokensAreRead()
    {
        (string id, string first) = await AskAndKillAsync(Long);
        await using var resumed = new MixKvqChatClient(ChatLoop.Options(_model.Folder, _folder.Path));
        await RequireGoesOnAsync(resumed, id, [(Long, first)]);
        Assert.Equal(CachePlace.Memory, (await resumed.Conversations.FindAsync(id, Cancellation))!.Place);
    }

    [Fact]
    public async Task KilledWithinATurn_TheConversationIsAsItWasBeforeIt()
    {
        string id, first;
        using (ChattingProcess process = await ChattingProcess.StartAsync(_model.Folder, _folder.Path, Cancellation))
        {
            (id, first) = await process.AskAsync(null, Long, Cancellation);
            await process.BeginAsync(id, $"Lost? {Long}", updates: ChatLoop.AnswerTokens / 2, Cancellation, stops: true);
        }

        await using var resumed = new MixKvqChatClient(ChatLoop.Options(_model.Folder, _folder.Path));
        Assert.Equal(2, (await resumed.Conversations.GetMessagesAsync(id, Cancellation)).Count);
        await RequireGoesOnAsync(resumed, id, [(Long, first)]);
    }

    /// <summary>The turn is saved before its last update, so that a process that is killed after the one before is killed around the save.</summary>
    [Fact]
    public async Task KilledWhileATurnIsSaved_TheConversationHasTheWholeTurnOrNothingOfIt()
    {
        var random = new Random(3);
        List<(string Question, string Answer)> said = [];
        (string id, string first) = await AskAndKillAsync(Long);
        said.Add((Long, first));
        for (int kill = 0; kill < Kills; kill++)
        {
            string question = $"{kill}? {Long[..(50 * kill)]}";
            using (ChattingProcess process = await ChattingProcess.StartAsync(_model.Folder, _folder.Path, Cancellation))
            {
                await process.BeginAsync(id, question, updates: ChatLoop.AnswerTokens, Cancellation);
                Thread.SpinWait(random.Next(100_000));
            }

            await using var between = new MixKvqChatClient(ChatLoop.Options(_model.Folder, _folder.Path));
            IReadOnlyList<ChatMessage> messages = await between.Conversations.GetMessagesAsync(id, Cancellation);
            if (messages.Count == 2 * said.Count + 2)
            {
                said.Add((question, messages[^1].Text));
            }

            Assert.Equal(said.SelectMany(turn => new[] { turn.Question, turn.Answer }), messages.Select(message => message.Text));
        }

        await using var resumed = new MixKvqChatClient(ChatLoop.Options(_model.Folder, _folder.Path));
        await RequireGoesOnAsync(resumed, id, said);
    }

    private async Task<(string Id, string Answer)> AskAndKillAsync(string question)
    {
        using ChattingProcess process = await ChattingProcess.StartAsync(_model.Folder, _folder.Path, Cancellation);
        return await process.AskAsync(null, question, Cancellation);
    }

    /// <summary>The next turn reads and says what it does in a client that was never interrupted.</summary>
    private async Task RequireGoesOnAsync(MixKvqChatClient resumed, string id, List<(string Question, string Answer)> said)
    {
        const string next = "And then?";
        await using var uninterrupted = new MixKvqChatClient(ChatLoop.Options(_model.Folder, folder: null));
        string? otherId = null;
        foreach ((string question, string answer) in said)
        {
            ChatResponse response = await uninterrupted.GetResponseAsync(question, ChatLoop.TurnOptions(_model.Folder, otherId), Cancellation);
            Assert.Equal(answer, response.Text);
            otherId = response.ConversationId;
        }

        ChatResponse expected = await uninterrupted.GetResponseAsync(next, ChatLoop.TurnOptions(_model.Folder, otherId), Cancellation);
        ChatResponse actual = await resumed.GetResponseAsync(next, ChatLoop.TurnOptions(_model.Folder, id), Cancellation);
        Assert.Equal(expected.Text, actual.Text);
        Assert.Equal(id, actual.ConversationId);
        Assert.Equal(expected.Usage!.InputTokenCount, actual.Usage!.InputTokenCount);

        // The last token of the answer before was never fed to the model: it is read with the new ones.
        Assert.Equal(1 + NewTokens(next), actual.Usage.AdditionalCounts![MixKvqMetadata.PrefilledTokens]);
    }

    private int NewTokens(string question) =>
        ModelTokenizer.Load(_model.Folder).EncodePrompt($"<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n").Sum(segment => segment.TokenIds.Length);
}
