using System.Diagnostics;
using Microsoft.Extensions.Logging;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations.Storage;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>The conversations of a store on disk: written after their turns, brought back, deleted when they are no longer known. Thread-safe.</summary>
internal sealed class ConversationDisk : IDisposable
{
    // One file operation at a time: a file that a state counts on cannot be replaced while it is read.
    private readonly Lock _gate = new();
    private readonly ConversationFolder _folder;
    private readonly ISequenceFactory _sequences;
    private readonly ConversationStore _store;
    private readonly ConversationEvents _events;
    private readonly HashSet<string> _undeleted = new(StringComparer.Ordinal);
    private bool _disposed;

    /// <summary>Opens the folder and adds the conversations in it to the store.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="limitBytes">The most bytes in it.</param>
    /// <param name="sequences">Makes sequences.</param>
    /// <param name="vocabularySize">How many token ids the model has.</param>
    /// <param name="store">What is known of conversations.</param>
    /// <param name="events">Told what happens.</param>
    /// <param name="logger">Told what the folder sets aside.</param>
    /// <exception cref="IOException">The folder cannot be used, or another process uses it; the message names the option and says what to do.</exception>
    public ConversationDisk(string path, long limitBytes, ISequenceFactory sequences, int vocabularySize, ConversationStore store, ConversationEvents events, ILogger logger)
    {
        (_sequences, _store, _events) = (sequences, store, events);
        try
        {
            _folder = ConversationFolder.Open(path, limitBytes, sequences.Signature, vocabularySize, logger, out IReadOnlyList<SavedConversation> conversations);
            foreach (SavedConversation saved in conversations)
            {
                store.Add(ConversationRecords.ToConversation(saved));
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"{nameof(MixKvqOptions.Cache)}.{nameof(KvCacheOptions.SpillDirectory)} is '{path}', where conversations cannot be kept: {error.Message} "
                + "Name a folder of its own for each client, which it may read and write, or null for none.",
                error);
        }
    }

    /// <summary>The bytes of all files.</summary>
    public long TotalBytes => _folder.TotalBytes;

    /// <summary>Writes a conversation as it stands. Never fails: a conversation that cannot be written goes on in memory.</summary>
    public void Write(Conversation conversation)
    {
        lock (_gate)
        {
            // Whoever comes first writes what stands then, for those too who come later.
            if (_store.Retain(conversation) is not { } state)
            {
                return;
            }

            try
            {
                if (!state.HasFile(conversation.Id))
                {
                    Save(conversation, state);
                }
            }
            catch (Exception exception)
            {
                // A file of an earlier turn would let the conversation go on from there after a restart.
                Delete(conversation.Id);
                state.ForgetFile(conversation.Id);
                _events.WriteFailed(conversation.Id, exception);
            }
            finally
            {
                state.Release();
            }
        }
    }

    /// <summary>Brings the cache of a state back into memory, where a file has it and can be read; otherwise it is lost.</summary>
    public void Restore(ConversationState state)
    {
        lock (_gate)
        {
            if (_disposed || state.IsResident || state.File is not { } id)
            {
                return;
            }

            long start = Stopwatch.GetTimestamp();
            if (_folder.Restore(id, _sequences, out string? refusal) is not { } sequence)
            {
                _events.Refused(id, refusal ?? "");
                state.ForgetFile(id);
                return;
            }

            if (sequence.TokenCount != state.CachedTokens)
            {
                _events.Refused(id, $"It holds {sequence.TokenCount} tokens, not {state.CachedTokens}.");
                sequence.Dispose();
                state.ForgetFile(id);
                return;
            }

            state.Return(sequence);
            _store.ShareWithNearest(state);
            _events.Restored(id, state.CachedTokens, Stopwatch.GetElapsedTime(start));
        }
    }

    /// <summary>Deletes the files of conversations that are no longer known, and those that could not be deleted before.</summary>
    public void DeleteDropped()
    {
        lock (_gate)
        {
            foreach (string id in _undeleted.Concat(_events.TakeDropped()).ToArray())
            {
                Delete(id);
            }
        }
    }

    /// <summary>Gives the folder to others.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _folder.Dispose();
        }
    }

    private void Save(Conversation conversation, ConversationState state)
    {
        using CacheImage image = state.Export();
        IReadOnlyList<string> evicted = _folder.Save(ConversationRecords.Of(conversation, state, _sequences.Signature), image).EvictedIds;
        _undeleted.Remove(conversation.Id);
        _store.AddFile(conversation, state);
        foreach (string id in evicted)
        {
            _store.ForgetFile(id);
        }
    }

    private void Delete(string id)
    {
        if (_disposed)
        {
            return;
        }

        try
        {
            _folder.Delete(id);
            _undeleted.Remove(id);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            if (_undeleted.Add(id))
            {
                _events.DeleteFailed(id, exception);
            }
        }
    }
}
