using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Hosting;
using MixKVQ.AgentConnector.Tests.Conversations;
using MixKVQ.AgentConnector.Tests.Models;

namespace MixKVQ.AgentConnector.Tests.Hosting;

/// <summary>64 callers of one model at once, a third of them cancelled: the others are answered as if each were alone.</summary>
public sealed class ManyCallersTests : IDisposable
{
    private const int Callers = 64;
    private const int AnswerTokens = 10;
    private const int WhileOnItsWay = -1;

    private static readonly Dictionary<int, float> Letters = Enumerable.Range('a', 26).ToDictionary(letter => TinyTokenizer.Load().EncodeText($"{(char)letter}").Single(), _ => 100f);

    private static readonly string[] Words = ["the", " other", " in", " an", " hour", " st", "x", "q", " z", "7", "é", "\n"];

    private readonly TinyModel _model = TinyModel.OfChats();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task RemainingAnswers_EqualThoseOfASingleCaller()
    {
        string[] expected = new string[Callers];
        await using (MixKvqChatClient alone = Client(Load(), stateful: false))
        {
            for (int i = 0; i < Callers; i++)
            {
                expected[i] = (await alone.GetResponseAsync(Question(i), Options(), Cancellation)).Text;
            }
        }

        ModelRuntime runtime = Load();
        MixKvqChatClient client = Client(runtime, stateful: false);
        string?[] answers = await Task.WhenAll(Enumerable.Range(0, Callers).Select(i => AskAsync(client, Question(i), Options(), CancelAfter(i))));

        Assert.All(answers.Index(), answer => Assert.Equal(IsCancelled(answer.Index) ? null : expected[answer.Index], answer.Item));
        Assert.True(expected.Distinct().Count() > Callers / 8, $"{expected.Distinct().Count()} answers differ");
        await AssertNothingLeaksAsync(runtime, client);
    }

    [Fact]
    public async Task ConversationsOfSeveralTurns_GoOnAsForASingleCaller_AfterCancelledTurns()
    {
        var expected = new string[Callers][];
        await using (MixKvqChatClient alone = Client(Load(), stateful: true))
        {
            for (int i = 0; i < Callers; i++)
            {
                expected[i] = await ConverseAsync(alone, i, withCancelledTurns: false);
            }
        }

        ModelRuntime runtime = Load();
        MixKvqChatClient client = Client(runtime, stateful: true);
        string[][] answers = await Task.WhenAll(Enumerable.Range(0, Callers).Select(i => ConverseAsync(client, i, withCancelledTurns: IsCancelled(i))));

        Assert.Equal(expected, answers);
        await AssertNothingLeaksAsync(runtime, client);
    }

    private static bool IsCancelled(int caller) => caller % 3 == 0;

    /// <summary>After how many updates a caller gives up. Null: never.</summary>
    private static int? CancelAfter(int caller) => IsCancelled(caller) ? new Random(caller).Next(WhileOnItsWay, AnswerTokens / 2) : null;

    /// <summary>Greedy, and letters only: every token is text and none ends the answer, so that a caller can give up at any of them.</summary>
    private static ChatOptions Options(string? conversationId = null) => new()
    {
        MaxOutputTokens = AnswerTokens,
        Temperature = 0,
        ConversationId = conversationId,
        AdditionalProperties = new() { [MixKvqMetadata.LogitBias] = Letters },
    };

    // Long enough to seal a page; some callers share it, others differ from the start.
    private static string Question(int caller) => $"{(caller % 4 == 0 ? caller : "")}{string.Concat(Enumerable.Repeat("the other hour in all ", 11))}{string.Concat(new Random(caller).GetItems(Words, 12))}?";

    private static async Task<string[]> ConverseAsync(MixKvqChatClient client, int caller, bool withCancelledTurns)
    {
        string? id = null;
        string[] texts = [Question(caller), "And then?"];
        var answers = new string[texts.Length];
        foreach ((int turn, string text) in texts.Index())
        {
            if (withCancelledTurns && turn > 0)
            {
                Assert.Null(await AskAsync(client, $"Never mind {caller}", Options(id), CancelAfter(caller)));
            }

            ChatResponse response = await client.GetResponseAsync(text, Options(id), Cancellation);
            id = response.ConversationId;
            answers[turn] = response.Text;
        }

        return answers;
    }

    /// <summary>The answer; null where it was cancelled.</summary>
    private static async Task<string?> AskAsync(MixKvqChatClient client, string question, ChatOptions options, int? cancelAfter)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        string answer = "";
        int updates = 0;
        try
        {
            if (cancelAfter == WhileOnItsWay)
            {
                // Somewhere between the first look at the request and its first tokens.
                _ = Task.Run(cancel.Cancel, CancellationToken.None);
            }

            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(question, options, cancel.Token))
            {
                answer += update.Text;
                if (cancelAfter is { } limit && ++updates > (limit == WhileOnItsWay ? AnswerTokens / 2 : limit))
                {
                    await cancel.CancelAsync();
                }
            }

            return answer;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>Only retained conversations hold pages, and none do once the client is disposed.</summary>
    private static async Task AssertNothingLeaksAsync(ModelRuntime runtime, MixKvqChatClient client)
    {
        runtime.Caches.Pool.CheckIntegrity();
        Assert.Equal(0, client.Status.RunningTurns);
        Assert.True(runtime.Caches.Pool.LivePageCount > 0);
        await client.DisposeAsync();
        runtime.Caches.Pool.CheckIntegrity();
        Assert.Equal(0, runtime.Caches.Pool.LivePageCount);
    }

    private ModelRuntime Load() => ModelRuntime.Load(new MixKvqOptions { ModelPath = _model.Folder }, NullLoggerFactory.Instance);

    private MixKvqChatClient Client(ModelRuntime runtime, bool stateful) => new(
        new MixKvqOptions { ModelPath = _model.Folder, Stateful = stateful, MaxConversations = stateful ? Callers : 5 },
        null,
        () => Task.FromResult<IChatModel>(runtime),
        TimeProvider.System);
}
