using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Hosting;
using MixKVQ.AgentConnector.Tests.Models;

namespace MixKVQ.AgentConnector.Tests.Hosting.LongRuns;

/// <summary>
/// Short turns of all kinds through a client over a small model: new conversations, further turns of old ones, histories that are matched,
/// turns that are given up and turns that are refused. More conversations are begun than are retained, and more retained than fit in memory: the others
/// wait on disk.
/// </summary>
internal sealed class TurnMill : IAsyncDisposable
{
    /// <summary>Conversations that the client retains.</summary>
    public const int Retained = 8;

    private const string Words = "the other hour in all ";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mixkvq-turns-");
    private readonly ModelRuntime _runtime;
    private readonly MixKvqChatClient _client;
    private readonly Random _random;
    private readonly List<string> _ids = [];
    private List<ChatMessage> _history = [];

    public TurnMill(TinyModel model, int seed)
    {
        var options = new MixKvqOptions { ModelPath = model.Folder, Stateful = true, MaxConversations = Retained, ThreadCount = 1 };
        _runtime = ModelRuntime.Load(options, NullLoggerFactory.Instance);
        options.Cache.SpillDirectory = _folder.FullName;
        options.Cache.MemoryBudget = $"{_runtime.Caches.BytesToHold(0, _runtime.ContextLength) * 3 / 2}B";
        _client = new MixKvqChatClient(options, null, () => Task.FromResult<IChatModel>(_runtime), TimeProvider.System);
        _random = new Random(seed);
    }

    /// <summary>The model's caches.</summary>
    public KvCacheFactory Caches => _runtime.Caches;

    /// <summary>Turns that were answered.</summary>
    public int Answered { get; private set; }

    /// <summary>Turns that were given up or refused.</summary>
    public int Failed { get; private set; }

    /// <summary>Conversations whose cache is on disk only.</summary>
    public async Task<int> CountOnDiskAsync() => (await _client.Conversations.ListAsync()).Count(conversation => conversation.Place == CachePlace.Disk);

    /// <summary>Takes turns, one after the other.</summary>
    public async Task RunAsync(int turns, CancellationToken cancellationToken)
    {
        for (int i = 0; i < turns; i++)
        {
            try
            {
                await TakeTurnAsync(cancellationToken);
                Answered++;
            }
            catch (Exception error) when (!cancellationToken.IsCancellationRequested && error is OperationCanceledException or ArgumentException or InvalidOperationException)
            {
                Failed++;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private Task TakeTurnAsync(CancellationToken cancellationToken) => _random.Next(8) switch
    {
        0 => BeginAsync(cancellationToken),
        1 or 2 => AskWithHistoryAsync(cancellationToken),
        3 => GiveUpAsync(cancellationToken),
        4 => _client.GetResponseAsync("Refused", Options("nowhere"), cancellationToken),
        _ => GoOnAsync(cancellationToken),
    };

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        ChatResponse response = await _client.GetResponseAsync(Text(), Options(), cancellationToken);
        _ids.Add(response.ConversationId!);
        if (_ids.Count > Retained)
        {
            _ids.RemoveAt(0);
        }
    }

    private async Task GoOnAsync(CancellationToken cancellationToken)
    {
        string? id = _ids.Count == 0 ? null : _ids[_random.Next(_ids.Count)];
        try
        {
            await _client.GetResponseAsync(Text(), Options(id), cancellationToken);
        }
        catch
        {
            // Forgotten meanwhile, or too long.
            _ids.Remove(id!);
            throw;
        }
    }

    private async Task AskWithHistoryAsync(CancellationToken cancellationToken)
    {
        _history = _history.Count > 8 ? [] : _history;
        _history.Add(new ChatMessage(ChatRole.User, Text()));
        ChatResponse response = await _client.GetResponseAsync(_history, Options(), cancellationToken);
        _history.AddRange(response.Messages);
    }

    private async Task GiveUpAsync(CancellationToken cancellationToken)
    {
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        int updates = _random.Next(3);
        await foreach (ChatResponseUpdate update in _client.GetStreamingResponseAsync(Text(), Options(_ids.LastOrDefault()), giveUp.Token))
        {
            if (updates-- == 0)
            {
                await giveUp.CancelAsync();
            }
        }
    }

    /// <summary>Now and then long enough to seal a page.</summary>
    private string Text() => string.Concat(Enumerable.Repeat(Words, _random.Next(12) == 0 ? 20 : 1)) + _random.Next(100);

    private ChatOptions Options(string? id = null) => new() { ConversationId = id, MaxOutputTokens = 3, Temperature = 1, Seed = _random.Next() };
}
