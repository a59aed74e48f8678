using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <content>The conversations' own files.</content>
internal sealed partial class ConversationFolder
{
    /// <summary>Lists what the folder holds, least recently used first, and puts it in order after an end at any moment.</summary>
    private List<SavedConversation> ReadAll()
    {
        var found = new List<(SavedConversation Conversation, FolderEntry Entry)>();
        foreach (string path in Directory.GetFiles(_path))
        {
            string name = Path.GetFileName(path);
            if (NewFile.IsLeftOver(name, ConversationFileName.IsConversation))
            {
                File.Delete(path);
            }
            else if (ConversationFileName.IsConversation(name))
            {
                try
                {
                    found.Add(ReadOne(path));
                }
                catch (Exception error) when (error is InvalidDataException or UnauthorizedAccessException)
                {
                    SetAside(path, error.Message);
                }
            }
        }

        found.Sort((a, b) => a.Conversation.LastUsedAt.CompareTo(b.Conversation.LastUsedAt));
        found.ForEach(known => _index.Replace(known.Entry.Id, known.Entry));
        return [.. found.Select(known => known.Conversation)];
    }

    private (SavedConversation Conversation, FolderEntry Entry) ReadOne(string path)
    {
        using ConversationFile file = OpenOwn(path);
        string id = file.Conversation.Id;
        SavedBlob[] blobs = [.. file.Pieces.Where(piece => piece.IsOutside).Select(piece => piece.Blob)];
        if (Array.Find(blobs, blob => !_blobs.Has(blob)) is { Length: > 0 } missing)
        {
            StorageLog.CacheLost(_logger, id, $"{path} names {missing.FileName}, which is missing.");
            return (file.Conversation.WithoutCache(), new FolderEntry(id, file.Identity, [], isCacheLost: true));
        }

        _blobs.Retain(blobs);
        return (file.Conversation, new FolderEntry(id, file.Identity, blobs));
    }

    private ConversationFile OpenOwn(string path)
    {
        ConversationFile file = ConversationFile.Open(path, _signature, _vocabularySize);
        if (ConversationFileName.Of(file.Conversation.Id) == Path.GetFileName(path))
        {
            return file;
        }

        file.Dispose();
        throw new InvalidDataException($"{path} is refused: it holds a conversation whose file has another name.");
    }

    private IConversationSequence Read(FolderEntry entry, ISequenceFactory sequences)
    {
        string path = PathOf(entry.Id);
        using ConversationFile file = OpenOwn(path);
        if (file.Identity != entry.File)
        {
            throw new InvalidDataException($"{path} is refused: another file was put in its place.");
        }

        CacheImage image = file.ReadCache(sequences, _blobs);
        _names.Remember(image, file.Pieces);
        return file.Import(sequences, image);
    }

    /// <summary>What a conversation says is kept where only pages are broken, since they can be made again, or where the disk may read it another time.</summary>
    private void GiveUp(FolderEntry entry, Exception error)
    {
        if (error is InvalidDataException && entry.Blobs.All(_blobs.Has))
        {
            SetAside(PathOf(entry.Id), error.Message);
            _index.Replace(entry.Id, null);
            return;
        }

        if (error is InvalidDataException)
        {
            _index.Replace(entry.Id, new FolderEntry(entry.Id, entry.File, [], isCacheLost: true));
        }
    }

    private void SetAside(string path, string reason)
    {
        try
        {
            _refused.SetAside(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            reason = $"{reason} It stays where it is: {error.Message}";
        }

        // A stranger may have named the file.
        StorageLog.SetAside(_logger, string.Concat(reason.Select(letter => char.IsControl(letter) ? '?' : letter)));
    }

    /// <summary>Deletes the least recently used conversations while the folder is too long, the saved one last of all.</summary>
    private List<string> KeepLimit(string? savedId)
    {
        List<string> evicted = [];
        try
        {
            while (_limitBytes is { } limit && TotalBytes > limit)
            {
                if (!_refused.DropOldest())
                {
                    if (_index.LeastRecentlyUsed(savedId) is not { } oldest)
                    {
                        break;
                    }

                    if (DeleteUnchanged(oldest))
                    {
                        evicted.Add(oldest.Id);
                        StorageLog.Evicted(_logger, oldest.Id, limit);
                    }
                }
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // What was saved is saved; the next save tries again.
            StorageLog.LimitNotKept(_logger, error.Message);
        }

        return evicted;
    }

    private bool DeleteUnchanged(FolderEntry entry)
    {
        lock (TurnOf(entry.Id))
        {
            if (!_index.Holds(entry))
            {
                return false;
            }

            File.Delete(PathOf(entry.Id));
            _index.Replace(entry.Id, null);
            return true;
        }
    }

    private Lock TurnOf(string id) => _turns[(uint)string.GetHashCode(id, StringComparison.Ordinal) % _turns.Length];

    private string PathOf(string id) => Path.Combine(_path, ConversationFileName.Of(id));
}
