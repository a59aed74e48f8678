using Microsoft.Extensions.Logging;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// Keeps conversations from turn to turn: in memory while the budget has room, on disk where there is a folder for them. Thread-safe.
/// </summary>
internal sealed class ConversationKeeper : IDisposable
{
    private readonly ISequenceFactory _sequences;
    private readonly ConversationDisk? _disk;
    private readonly ITimer? _expiry;

    /// <summary>Opens the folder, where there is to be one, and knows the conversations in it.</summary>
    /// <param name="model">The model.</param>
    /// <param name="settings">How conversations are kept.</param>
    /// <param name="clock">Tells when they expire.</param>
    /// <param name="events">Told what happens.</param>
    /// <param name="logger">Told what the folder sets aside.</param>
    /// <exception cref="IOException">The folder cannot be used, or another process uses it; the message names the option and says what to do.</exception>
    public ConversationKeeper(IChatModel model, ConversationSettings settings, TimeProvider clock, ConversationEvents events, ILogger logger)
    {
        _sequences = model.Sequences;
        VocabularySize = model.Tokenizer.VocabularySize;
        Events = events;
        Store = new ConversationStore(settings.Limits, _sequences, clock, events);
        Relief = new MemoryRelief(Store, _sequences);
        if (settings.Folder is { } path)
        {
            _disk = new ConversationDisk(path, settings.FolderLimitBytes, _sequences, VocabularySize, Store, events, logger);
            DropExpired();
        }

        if (settings.Limits.ExpiryCheckInterval is { } interval)
        {
            _expiry = clock.CreateTimer(_ => DropExpired(), null, interval, interval);
        }
    }

    /// <summary>Told what happens.</summary>
    public ConversationEvents Events { get; }

    /// <summary>Makes the model's sequences.</summary>
    public ISequenceFactory Sequences => _sequences;

    /// <summary>How many token ids the model has.</summary>
    public int VocabularySize { get; }

    /// <summary>What is known of conversations.</summary>
    public ConversationStore Store { get; }

    /// <summary>Makes room where memory is exhausted.</summary>
    public MemoryRelief Relief { get; }

    /// <summary>The bytes on disk.</summary>
    public long DiskBytes => _disk?.TotalBytes ?? 0;

    /// <summary>Waits for the memory that a turn needs and opens its sequence.</summary>
    /// <param name="plan">The turn.</param>
    /// <param name="mostTokens">The most tokens that prompt and answer may have.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <returns>The turn's memory; null where the cache that the plan counted on is gone: plan again.</returns>
    /// <exception cref="InsufficientMemoryException">The prompt does not fit even alone, or memory is exhausted.</exception>
    public async Task<MemoryClaim?> BeginAsync(TurnPlan plan, int mostTokens, CancellationToken cancellationToken)
    {
        MemoryClaim claim = await EnterAsync(plan, mostTokens, cancellationToken).ConfigureAwait(false);
        try
        {
            if (plan.Basis is { } basis && !(await BringBackAsync(basis, claim).ConfigureAwait(false) && basis.CachedTokens >= plan.CachedTokens))
            {
                claim.Dispose();
                return null;
            }

            Relief.Run(() => plan.Open(_sequences));
            claim.Sequence = plan.Sequence;
            if (plan.Continues?.State != plan.Basis)
            {
                Store.Budget.LeaveBasis(claim);
            }

            return claim;
        }
        catch
        {
            claim.Dispose();
            throw;
        }
    }

    /// <summary>Retains how a dialogue stands after a turn, and writes it to disk. Takes the reference to <paramref name="next"/> over.</summary>
    /// <param name="continues">The conversation that the turn took further and how it stood; null where it began one.</param>
    /// <param name="next">How the dialogue stands.</param>
    /// <param name="isNamed">Whether a caller is given the id.</param>
    public async Task<Conversation> CommitAsync((Conversation Conversation, ConversationState State)? continues, ConversationState next, bool isNamed)
    {
        next.MayLeaveMemory = _disk is null;
        Conversation conversation = Store.Advance(continues?.Conversation, continues?.State, next, isNamed);
        await WriteAsync(conversation).ConfigureAwait(false);
        return conversation;
    }

    /// <summary>
    /// Puts <paramref name="next"/>, the same dialogue, in the place of <paramref name="basis"/> where that is still how the conversation stands, and writes it to disk;
    /// otherwise lets it go. Takes the reference over.
    /// </summary>
    public async Task ReplaceAsync(Conversation conversation, ConversationState basis, ConversationState next)
    {
        next.MayLeaveMemory = _disk is null;
        if (Store.TryReplace(conversation, basis, next))
        {
            await WriteAsync(conversation).ConfigureAwait(false);
        }
        else
        {
            next.Release();
        }
    }

    /// <summary>Retains a conversation, whose id is new, and writes it to disk.</summary>
    public async Task<Conversation> AddAsync(Conversation conversation)
    {
        if (_disk is not null && conversation.State.File is null)
        {
            conversation.State.MayLeaveMemory = false;
        }

        Store.ShareWithNearest(conversation.State);
        Store.Add(conversation);
        await WriteAsync(conversation).ConfigureAwait(false);
        return conversation;
    }

    /// <summary>Holds the memory of a state's cache, brought back where it had left, until the claim is disposed.</summary>
    /// <exception cref="InsufficientMemoryException">It does not fit even alone.</exception>
    /// <returns>The claim; null where the cache is lost.</returns>
    public async Task<MemoryClaim?> HoldAsync(ConversationState state, CancellationToken cancellationToken)
    {
        MemoryClaim claim = await Store.Budget.EnterAsync(state, state.CachedTokens, state.CachedTokens, state.CachedTokens, cancellationToken).ConfigureAwait(false);
        try
        {
            if (await BringBackAsync(state, claim).ConfigureAwait(false))
            {
                return claim;
            }
        }
        catch
        {
            claim.Dispose();
            throw;
        }

        claim.Dispose();
        return null;
    }

    /// <summary>Writes a conversation to disk, as it stands, where there is a folder for that.</summary>
    public async Task WriteAsync(Conversation conversation)
    {
        if (_disk is not null)
        {
            await Task.Run(() => _disk.Write(conversation)).ConfigureAwait(false);
            _disk.DeleteDropped();
            Store.ServeWaiters();
        }
    }

    /// <summary>Deletes the files of conversations that are no longer known.</summary>
    public void DeleteDropped() => _disk?.DeleteDropped();

    /// <inheritdoc/>
    public void Dispose()
    {
        _expiry?.Dispose();
        DeleteDropped();
        Store.Dispose();
        _disk?.Dispose();
    }

    private void DropExpired()
    {
        Store.DropExpired();
        DeleteDropped();
    }

    private async Task<MemoryClaim> EnterAsync(TurnPlan plan, int mostTokens, CancellationToken cancellationToken)
    {
        // The last token that is generated is never read.
        if (plan.Basis is { } basis)
        {
            try
            {
                return await Store.Budget.EnterAsync(basis, plan.CachedTokens, plan.Prompt.Count, mostTokens - 1, cancellationToken).ConfigureAwait(false);
            }
            catch (InsufficientMemoryException)
            {
                // Beside a long cache of which it shares little, a turn may not fit that fits alone.
                plan.ForgetBasis();
            }
        }

        return await Store.Budget.EnterAsync(basis: null, 0, plan.Prompt.Count, mostTokens - 1, cancellationToken).ConfigureAwait(false);
    }

    private async Task<bool> BringBackAsync(ConversationState state, MemoryClaim claim)
    {
        if (_disk is not null && !state.IsResident)
        {
            await Task.Run(() => Relief.Run(() => _disk.Restore(state))).ConfigureAwait(false);
        }

        Store.Budget.EndRestore(claim);
        return state.IsResident;
    }
}
