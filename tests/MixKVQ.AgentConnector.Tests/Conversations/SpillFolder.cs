using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Tests.Chat;
using MixKVQ.AgentConnector.Tests.Checkpoints;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>A folder of conversations, and clients that use it one after the other. Its model answers with the words before the question marks, all of the dialogue.</summary>
internal sealed class SpillFolder : IDisposable
{
    private readonly ModelFolder _folder = new();

    /// <summary>The folder; it is made by the first client.</summary>
    public string Path => _folder.File("conversations");

    /// <summary>What the clients log.</summary>
    public CapturedLog Log { get; } = new();

    /// <summary>What they warn of.</summary>
    public IEnumerable<string> Warnings => Log.Lines.Where(line => line.StartsWith("Warning", StringComparison.Ordinal));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A path in the folder.</summary>
    public string PathOf(params string[] names) => System.IO.Path.Combine([Path, .. names]);

    /// <summary>The path of a conversation's file.</summary>
    public string FileOf(string id) => PathOf(id + ".mixkvq");

    /// <summary>A model that answers.</summary>
    public static ScriptedModel NewModel() => new(Answer);

    /// <summary>A stateful client that uses the folder.</summary>
    public MixKvqChatClient Open(ScriptedModel? model = null, Action<MixKvqOptions>? configure = null, TimeProvider? clock = null) => (model ?? NewModel()).CreateClient(
        options =>
        {
            (options.Stateful, options.Cache.SpillDirectory) = (true, Path);
            configure?.Invoke(options);
        },
        Log,
        clock);

    /// <summary>Lets a client begin a conversation of two turns, long enough to seal pages, and ends it.</summary>
    public async Task<string> LeaveConversationAsync()
    {
        using MixKvqChatClient client = Open();
        return await BeginAsync(client);
    }

    /// <summary>Begins a conversation of two turns, <c>1?</c> and <c>2?</c>.</summary>
    public static async Task<string> BeginAsync(MixKvqChatClient client, string filling = "x")
    {
        string id = (await client.GetResponseAsync(First(filling), cancellationToken: Cancellation)).ConversationId!;
        await AskAsync(client, id, "2");
        return id;
    }

    /// <summary>The first message of a conversation.</summary>
    public static string First(string filling = "x") => $"{string.Concat(Enumerable.Repeat(filling, 400))} question 1?";

    /// <summary>Asks in a conversation.</summary>
    public static Task<ChatResponse> AskAsync(MixKvqChatClient client, string id, string question) =>
        client.GetResponseAsync($"question {question}?", new ChatOptions { ConversationId = id }, Cancellation);

    /// <summary>The prompt's tokens that were read.</summary>
    public static long Prefilled(ChatResponse response) => response.Usage!.AdditionalCounts![MixKvqMetadata.PrefilledTokens];

    /// <inheritdoc/>
    public void Dispose() => _folder.Dispose();

    private static string Answer(string prompt) => string.Join(' ', prompt.Split("question ").Skip(1).Select(part => part.Split('?')[0]));
}
