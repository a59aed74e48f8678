using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Conversations.Storage;
using MixKVQ.AgentConnector.Tests.Chat;

namespace MixKVQ.AgentConnector.Tests.Conversations.Storage;

/// <summary>Conversations of a scripted model, and a folder of their own to save them to.</summary>
internal sealed class SavedSamples : IDisposable
{
    private readonly ScriptedModel _model = new(prompt => "");

    /// <summary>The folder.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("mixkvq-storage-").FullName;

    /// <summary>The model's sequences.</summary>
    public ScriptedSequenceFactory Sequences => (ScriptedSequenceFactory)_model.Sequences;

    /// <summary>How many token ids the model has.</summary>
    public int VocabularySize => _model.Tokenizer.VocabularySize;

    /// <summary>What is logged.</summary>
    public CapturedLog Log { get; } = new();

    /// <summary>Bytes of all files.</summary>
    public long FileBytes => Directory.GetFiles(Folder, "*", SearchOption.AllDirectories).Sum(path => new FileInfo(path).Length);

    /// <summary>Ids: <paramref name="count"/> of them, others for another seed.</summary>
    public int[] Ids(int count, int seed = 0)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(VocabularySize))];
    }

    /// <summary>A sequence that has seen <paramref name="ids"/>; the caller disposes it.</summary>
    public IConversationSequence Sequence(params ReadOnlySpan<int> ids)
    {
        IConversationSequence sequence = Sequences.Create();
        for (int start = 0; start < ids.Length;)
        {
            int count = Math.Min(sequence.TokensToPageBorder, ids.Length - start);
            sequence.Append(ids.Slice(start, count).ToArray(), []);
            start += count;
        }

        return sequence;
    }

    /// <summary>A conversation of <paramref name="ids"/> whose cache holds the first <paramref name="cachedTokens"/>, all by default.</summary>
    public SavedConversation Conversation(string id, int[] ids, int? cachedTokens = null) => new()
    {
        Id = id,
        IsNamed = true,
        CreatedAt = DateTimeOffset.UnixEpoch,
        LastUsedAt = DateTimeOffset.UnixEpoch,
        StartedAt = new DateTimeOffset(2024, 2, 29, 1, 2, 3, TimeSpan.FromHours(2)),
        Signature = Sequences.Signature,
        Tokens = TokenLog.Of(ids, ids.Length > 0 ? [new LoggedText($"{ids.Length} tokens", false, ids.Length)] : []),
        Dialogue = new Dialogue([new ChatTurn(TurnRole.User, "Hi"), new ChatTurn(TurnRole.Assistant, $"{ids.Length} tokens")]),
        Settings = new PromptSettings(null, null, null),
        CachedTokens = cachedTokens ?? ids.Length,
        Usage = TinyTokenizer.Usage(cachedTokens ?? ids.Length),
    };

    /// <summary>Opens the folder.</summary>
    public ConversationFolder Open(out IReadOnlyList<SavedConversation> conversations, long? limitBytes = null) =>
        ConversationFolder.Open(Folder, limitBytes, Sequences.Signature, VocabularySize, Log, out conversations);

    /// <summary>Saves a conversation of <paramref name="ids"/>.</summary>
    public FolderSave Save(ConversationFolder folder, string id, int[] ids, DateTimeOffset lastUsedAt = default)
    {
        using IConversationSequence sequence = Sequence(ids);
        using CacheImage image = sequence.Export();
        return folder.Save(Conversation(id, ids) with { LastUsedAt = lastUsedAt }, image);
    }

    /// <summary>The ids that a sequence has seen.</summary>
    public static int[] Seen(IConversationSequence sequence)
    {
        using CacheImage image = sequence.Export();
        byte[] bytes = [.. image.Sinks.Span, .. image.Pages.SelectMany(page => page.Bytes.ToArray()), .. image.Open.Span];
        int[] ids = new int[bytes.Length / sizeof(int)];
        Buffer.BlockCopy(bytes, 0, ids, 0, bytes.Length);
        return ids;
    }

    /// <summary>The ids that a conversation's cache is restored with; null where it is refused.</summary>
    public int[]? Restore(ConversationFolder folder, string id, out string? refusal)
    {
        using IConversationSequence? sequence = folder.Restore(id, Sequences, out refusal);
        return sequence is null ? null : Seen(sequence);
    }

    /// <summary>Paths of the files directly in a folder beside the saved conversations.</summary>
    public string[] Files(string folder) => Directory.Exists(Path.Combine(Folder, folder)) ? Directory.GetFiles(Path.Combine(Folder, folder)) : [];

    /// <summary>The path of a conversation's file.</summary>
    public string PathOf(string id) => Path.Combine(Folder, id + ".mixkvq");

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
