using Microsoft.Extensions.Logging;
using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>
/// The folder where the conversations of a model are kept. Each is a file of its own, and names files that it shares with others.
/// <code>
/// lock                      held while the folder is open
/// {id}.mixkvq               a conversation
/// pages/{checksum}.blob     a page, or the sinks, of one or more of them
/// refused/                  what could not be read
/// </code>
/// Whenever the process ends, each conversation is as it was before its last save or after it. Thread-safe; a save or restore of one conversation waits for another
/// of the same one only.
/// </summary>
internal sealed partial class ConversationFolder : IDisposable
{
    private readonly Lock[] _turns = [.. Enumerable.Range(0, 64).Select(_ => new Lock())];
    private readonly PageNames _names = new();
    private readonly string _path;
    private readonly long? _limitBytes;
    private readonly ModelSignature _signature;
    private readonly int _vocabularySize;
    private readonly ILogger _logger;
    private readonly FolderLock _lock;
    private readonly RefusedFolder _refused;
    private readonly BlobFolder _blobs;
    private readonly FolderIndex _index;
    private bool _disposed;

    private ConversationFolder(string path, long? limitBytes, ModelSignature signature, int vocabularySize, ILogger logger)
    {
        (_path, _limitBytes, _signature, _vocabularySize, _logger) = (Path.GetFullPath(path), limitBytes, signature, vocabularySize, logger);
        FolderPaths.Create(_path);
        _lock = new FolderLock(_path);
        try
        {
            _refused = new RefusedFolder(Path.Combine(_path, "refused"));
            _blobs = new BlobFolder(Path.Combine(_path, "pages"), _refused);
            _index = new FolderIndex(_blobs);
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    /// <summary>Bytes of all files: what conversations share counts once, what was refused counts too.</summary>
    public long TotalBytes => _index.FileBytes + _blobs.Bytes + _refused.Bytes;

    /// <summary>
    /// Opens a folder, or makes it. Files that are broken, a stranger's or another model's are set aside; a conversation that has lost pages comes without its cache.
    /// </summary>
    /// <param name="path">The folder.</param>
    /// <param name="limitBytes">The most bytes of its files, at least 1; null for no limit.</param>
    /// <param name="signature">The loaded model.</param>
    /// <param name="vocabularySize">How many token ids it has.</param>
    /// <param name="logger">Told what was set aside, and why.</param>
    /// <param name="conversations">What it holds, least recently used first.</param>
    /// <exception cref="IOException">It cannot be read or written, or another has it open; the message names it.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be read or written.</exception>
    public static ConversationFolder Open(
        string path, long? limitBytes, ModelSignature signature, int vocabularySize, ILogger logger, out IReadOnlyList<SavedConversation> conversations)
    {
        var folder = new ConversationFolder(path, limitBytes, signature, vocabularySize, logger);
        try
        {
            List<SavedConversation> found = folder.ReadAll();
            folder._blobs.RemoveUnused();
            IReadOnlyList<string> evicted = folder.KeepLimit(savedId: null);
            found.RemoveAll(conversation => evicted.Contains(conversation.Id));
            conversations = found;
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Writes a conversation in the place of its last save. When this returns, the next process finds it.</summary>
    /// <param name="conversation">The conversation, of the model that the folder was opened for.</param>
    /// <param name="image">Its cache; the caller disposes it.</param>
    /// <exception cref="IOException">It cannot be written; the last save stays.</exception>
    public FolderSave Save(SavedConversation conversation, CacheImage image)
    {
        long written = 0;
        lock (TurnOf(conversation.Id))
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            SavedBlob[] blobs = _names.Of(image);
            _blobs.Retain(blobs);
            try
            {
                for (int i = 0; i < blobs.Length; i++)
                {
                    written += _blobs.Put(blobs[i], SealedPieces.Bytes(image, i));
                }

                WrittenFile file = ConversationFileWriter.Write(PathOf(conversation.Id), conversation, image, blobs, isAlone: false);
                written += file.Bytes;
                _index.Replace(conversation.Id, new FolderEntry(conversation.Id, file, blobs));
            }
            catch (Exception error)
            {
                _blobs.Release(blobs);
                if (error is UnauthorizedAccessException)
                {
                    throw new IOException($"The conversation {conversation.Id} cannot be saved: {error.Message}", error);
                }

                throw;
            }
        }

        return new FolderSave(written, KeepLimit(conversation.Id));
    }

    /// <summary>Reads a conversation's cache.</summary>
    /// <param name="id">The conversation.</param>
    /// <param name="sequences">Checks and holds the pages.</param>
    /// <param name="refusal">Why not; then all tokens have to be read again.</param>
    /// <returns>The sequence as it was saved, the caller's to dispose; null where that cannot be.</returns>
    public IConversationSequence? Restore(string id, ISequenceFactory sequences, out string? refusal)
    {
        lock (TurnOf(id))
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            FolderEntry? entry = _index.Use(id);
            refusal = entry is null ? $"The folder {_path} holds no conversation {id}." : entry.IsCacheLost ? $"Pages of conversation {id} are missing in {_path}." : null;
            if (entry is null || refusal is not null)
            {
                return null;
            }

            try
            {
                return Read(entry, sequences);
            }
            catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
            {
                refusal = error.Message;
                GiveUp(entry, error);
                return null;
            }
        }
    }

    /// <summary>Removes a conversation, where there is one.</summary>
    /// <exception cref="IOException">It cannot be removed.</exception>
    /// <exception cref="UnauthorizedAccessException">It must not be removed.</exception>
    public void Delete(string id)
    {
        lock (TurnOf(id))
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            File.Delete(PathOf(id));
            _index.Replace(id, null);
        }
    }

    /// <summary>Gives the folder to others, once what is under way has ended. What is saved stays.</summary>
    public void Dispose()
    {
        foreach (Lock turn in _turns)
        {
            turn.Enter();
        }

        _disposed = true;
        _lock.Dispose();
        foreach (Lock turn in _turns)
        {
            turn.Exit();
        }
    }
}
