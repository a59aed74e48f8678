using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Hosting;

namespace MixKVQ.AgentConnector;

/// <summary>
/// The conversations that a <see cref="MixKvqChatClient"/> keeps, with their caches. Got from <see cref="MixKvqChatClient.Conversations"/> or by
/// <c>client.GetService&lt;ConversationCache&gt;()</c>.
/// </summary>
/// <remarks>
/// All members are safe for concurrent use and load the model where that has not happened. Those that take an id throw an <see cref="ArgumentException"/> where there is
/// no such conversation, and wait for a turn that runs on it.
/// </remarks>
public sealed class ConversationCache
{
    private readonly Func<CancellationToken, Task<ChatRunner>> _runner;
    private readonly TimeProvider _clock;

    internal ConversationCache(Func<CancellationToken, Task<ChatRunner>> runner, TimeProvider clock)
    {
        _runner = runner;
        _clock = clock;
    }

    /// <summary>What all caches hold.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<ConversationCacheReport> GetReportAsync(CancellationToken cancellationToken = default)
    {
        ConversationKeeper keeper = await KeeperAsync(cancellationToken).ConfigureAwait(false);
        ConversationTotals totals = keeper.Store.Totals;
        return new ConversationCacheReport
        {
            ConversationCount = totals.Count,
            InMemoryCount = totals.ResidentCount,
            WaitingTurns = keeper.Store.Budget.WaitingCount,
            MemoryBytes = totals.CacheBytes,
            UnsharedBytes = totals.UnsharedBytes,
            FullPrecisionBytes = totals.FullPrecisionBytes,
            BitsPerElement = totals.BitsPerElement,
            MemoryLimitBytes = keeper.Store.Budget.LimitBytes,
            DiskBytes = keeper.DiskBytes,
        };
    }

    /// <summary>Every conversation, latest use first.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<IReadOnlyList<ConversationInfo>> ListAsync(CancellationToken cancellationToken = default)
    {
        ConversationKeeper keeper = await KeeperAsync(cancellationToken).ConfigureAwait(false);
        return keeper.Store.Read(ConversationInfos.Of);
    }

    /// <summary>A conversation; null where there is none with this id.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<ConversationInfo?> FindAsync(string id, CancellationToken cancellationToken = default) =>
        (await ListAsync(cancellationToken).ConfigureAwait(false)).FirstOrDefault(conversation => conversation.Id == id);

    /// <summary>What was said in a conversation, oldest first, as its cache was made from it: each tool result is a message of its own.</summary>
    /// <param name="id">The conversation's id.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task<IReadOnlyList<ChatMessage>> GetMessagesAsync(string id, CancellationToken cancellationToken = default)
    {
        ConversationKeeper keeper = await KeeperAsync(cancellationToken).ConfigureAwait(false);
        using ConversationLease lease = await ConversationLease.EnterAsync(keeper.Store, id, cancellationToken).ConfigureAwait(false);
        return [.. lease.Conversation.State.Dialogue.Turns.Select(ChatMessageWriter.Write)];
    }

    /// <summary>
    /// Makes a second conversation that begins as this one: a planner tries several continuations that way. Pages are shared, so that a fork takes next to nothing until
    /// it goes its own way.
    /// </summary>
    /// <param name="id">The conversation to fork; it stays as it is.</param>
    /// <param name="messageCount">
    /// How many of its messages (see <see cref="GetMessagesAsync"/>) the fork has; null for all. After a message of the model the fork goes on exactly from there; at another
    /// place what follows the last page border that both share is read again with the next turn.
    /// </param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The fork's id.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The conversation does not have as many messages, or the count is below 1.</exception>
    /// <exception cref="InsufficientMemoryException">The cache does not fit the memory budget even alone.</exception>
    public async Task<string> ForkAsync(string id, int? messageCount = null, CancellationToken cancellationToken = default)
    {
        ConversationKeeper keeper = await KeeperAsync(cancellationToken).ConfigureAwait(false);
        return (await new ConversationForker(keeper, _clock).ForkAsync(id, messageCount, cancellationToken).ConfigureAwait(false)).Id;
    }

    /// <summary>Keeps a conversation's cache in memory from now on, until it is unpinned; brings it back where it had left. Ends with the process.</summary>
    /// <param name="id">The conversation's id.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="InsufficientMemoryException">The memory budget does not allow it.</exception>
    public async Task PinAsync(string id, CancellationToken cancellationToken = default)
    {
        ConversationKeeper keeper = await KeeperAsync(cancellationToken).ConfigureAwait(false);
        using ConversationLease lease = await ConversationLease.EnterAsync(keeper.Store, id, cancellationToken).ConfigureAwait(false);
        using MemoryClaim? claim = lease.Conversation.State.CachedTokens > 0 ? await keeper.HoldAsync(lease.Conversation.State, cancellationToken).ConfigureAwait(false) : null;
        keeper.Store.Pin(lease.Conversation);
    }

    /// <summary>Lets a conversation's cache leave memory again.</summary>
    /// <param name="id">The conversation's id.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task UnpinAsync(string id, CancellationToken cancellationToken = default)
    {
        ConversationKeeper keeper = await KeeperAsync(cancellationToken).ConfigureAwait(false);
        using ConversationLease lease = await ConversationLease.EnterAsync(keeper.Store, id, cancellationToken).ConfigureAwait(false);
        keeper.Store.Unpin(lease.Conversation);
    }

    /// <summary>Writes a conversation with its cache to a file that a client of the same model and cache options can load. It holds what was said: keep it as such.</summary>
    /// <param name="id">The conversation's id.</param>
    /// <param name="path">The file; one that is there is replaced once the new one is whole.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public async Task SaveAsync(string id, string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ConversationKeeper keeper = await KeeperAsync(cancellationToken).ConfigureAwait(false);
        await new ConversationTransfer(keeper, _clock).SaveAsync(id, path, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads a conversation that <see cref="SaveAsync"/> wrote. The file is checked as one from a stranger.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The id of the conversation, a new one.</returns>
    /// <exception cref="InvalidDataException">The file is missing or broken, or was saved by another model or with other cache options; the message says which.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="InsufficientMemoryException">The cache does not fit the memory budget even alone.</exception>
    public async Task<string> LoadAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        ConversationKeeper keeper = await KeeperAsync(cancellationToken).ConfigureAwait(false);
        return (await new ConversationTransfer(keeper, _clock).LoadAsync(path, cancellationToken).ConfigureAwait(false)).Id;
    }

    /// <summary>Forgets a conversation, in memory and on disk. Forks of it stay.</summary>
    /// <param name="id">The conversation's id.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public async Task DropAsync(string id, CancellationToken cancellationToken = default)
    {
        ConversationKeeper keeper = await KeeperAsync(cancellationToken).ConfigureAwait(false);
        using (ConversationLease lease = await ConversationLease.EnterAsync(keeper.Store, id, cancellationToken).ConfigureAwait(false))
        {
            keeper.Store.Drop(lease.Conversation);
        }

        await Task.Run(keeper.DeleteDropped, CancellationToken.None).ConfigureAwait(false);
    }

    private async Task<ConversationKeeper> KeeperAsync(CancellationToken cancellationToken) =>
        (await _runner(cancellationToken).ConfigureAwait(false)).Conversations;
}
