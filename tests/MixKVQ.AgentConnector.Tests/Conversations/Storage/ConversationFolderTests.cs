using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Conversations.Storage;

namespace MixKVQ.AgentConnector.Tests.Conversations.Storage;

/// <summary>Conversations that are saved to a folder, and what the next process finds there.</summary>
public sealed class ConversationFolderTests : IDisposable
{
    private const string A = "conv_aa";
    private const string B = "conv_bb";
    private const string C = "conv_cc";

    private readonly SavedSamples _samples = new();

    public void Dispose() => _samples.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(31)]
    [InlineData(32)]
    [InlineData(33)]
    [InlineData(159)]
    [InlineData(160)]
    [InlineData(700)]
    public void NextProcess_FindsTheConversationAndItsCache(int count)
    {
        int[] ids = _samples.Ids(count);
        using (ConversationFolder first = _samples.Open(out _))
        {
            _samples.Save(first, A, ids);
            Assert.Equal(ids, _samples.Restore(first, A, out _));
        }

        using ConversationFolder second = _samples.Open(out IReadOnlyList<SavedConversation> found);
        SavedConversation conversation = Assert.Single(found);
        Assert.Equal(A, conversation.Id);
        Assert.Equal(count, conversation.CachedTokens);
        Assert.Equal(ids, conversation.Tokens.Range(0, count));
        Assert.Equal(ids, _samples.Restore(second, A, out string? refusal));
        Assert.Null(refusal);
        Assert.Empty(_samples.Log.Lines);
        Assert.Equal(0, _samples.Sequences.Pool.LivePageCount);
    }

    [Fact]
    public void SharedPages_AreStoredOnceAndGoWithTheLastConversation()
    {
        int[] ids = _samples.Ids(700);
        using ConversationFolder folder = _samples.Open(out _);
        _samples.Save(folder, A, ids);
        long alone = folder.TotalBytes;
        int[] branch = [.. ids[..300], .. _samples.Ids(400, seed: 1)];
        FolderSave second = _samples.Save(folder, B, branch);

        // 32 + 2 pages are shared, 3 are new.
        Assert.Equal(6 + 3, _samples.Files("pages").Length);
        Assert.Equal(alone + second.WrittenBytes, folder.TotalBytes);
        Assert.Equal(_samples.FileBytes, folder.TotalBytes);

        folder.Delete(A);
        Assert.Equal(6, _samples.Files("pages").Length);
        Assert.Equal(branch, _samples.Restore(folder, B, out _));
        Assert.Null(_samples.Restore(folder, A, out string? refusal));
        Assert.Contains("holds no conversation", refusal);
        folder.Delete(B);
        Assert.Empty(_samples.Files("pages"));
        Assert.Equal(0, folder.TotalBytes);
    }

    [Fact]
    public void NextSave_WritesNewPagesOnlyAndRemovesThoseThatNobodyNames()
    {
        int[] ids = _samples.Ids(700);
        using ConversationFolder folder = _samples.Open(out _);
        _samples.Save(folder, A, ids[..600]);
        FolderSave longer = _samples.Save(folder, A, ids);
        Assert.Equal(512 + new FileInfo(_samples.PathOf(A)).Length, longer.WrittenBytes);

        int[] rewound = [.. ids[..200], .. _samples.Ids(20, seed: 1)];
        _samples.Save(folder, A, rewound);
        Assert.Equal(2, _samples.Files("pages").Length);
        Assert.Equal(rewound, _samples.Restore(folder, A, out _));
    }

    [Fact]
    public void EqualPagesOfOneConversation_AreStoredOnce()
    {
        int[] ids = [.. Enumerable.Repeat(7, 700)];
        using ConversationFolder folder = _samples.Open(out _);
        _samples.Save(folder, A, ids);
        Assert.Equal(2, _samples.Files("pages").Length);
        _samples.Save(folder, A, ids[..200]);
        Assert.Equal(ids[..200], _samples.Restore(folder, A, out _));
    }

    [Fact]
    public void OverTheLimit_LeastRecentlyUsedGo()
    {
        using ConversationFolder folder = _samples.Open(out _, limitBytes: 3 * 12_400);
        foreach (string id in new[] { A, B, C })
        {
            Assert.Empty(_samples.Save(folder, id, _samples.Ids(20)).EvictedIds);
        }

        _samples.Restore(folder, A, out _);
        FolderSave save = _samples.Save(folder, "conv_dd", _samples.Ids(20));
        Assert.Equal([B], save.EvictedIds);
        Assert.False(File.Exists(_samples.PathOf(B)));
        Assert.True(folder.TotalBytes <= 3 * 12_400);
        Assert.Contains(_samples.Log.Lines, line => line.Contains(B));
    }

    [Fact]
    public void LongerThanTheLimitAlone_GoesItselfAfterAllOthers()
    {
        using ConversationFolder folder = _samples.Open(out _, limitBytes: 20_000);
        _samples.Save(folder, A, _samples.Ids(20));
        Assert.Equal([A, B], _samples.Save(folder, B, _samples.Ids(10_000)).EvictedIds);
        Assert.Equal(0, folder.TotalBytes);
    }

    [Fact]
    public void LowerLimit_IsKeptFromTheStart()
    {
        using (ConversationFolder folder = _samples.Open(out _))
        {
            _samples.Save(folder, A, _samples.Ids(20), DateTimeOffset.UnixEpoch.AddHours(2));
            _samples.Save(folder, B, _samples.Ids(20), DateTimeOffset.UnixEpoch.AddHours(1));
            _samples.Save(folder, C, _samples.Ids(20), DateTimeOffset.UnixEpoch.AddHours(3));
        }

        using ConversationFolder second = _samples.Open(out IReadOnlyList<SavedConversation> found, limitBytes: 2 * 12_400);
        Assert.Equal([A, C], found.Select(conversation => conversation.Id));
    }

    [Fact]
    public void SecondClient_IsToldThatTheFolderIsInUse()
    {
        using (ConversationFolder folder = _samples.Open(out _))
        {
            var error = Assert.Throws<IOException>(() => _samples.Open(out _));
            Assert.Contains(_samples.Folder, error.Message);
            Assert.Contains("folder of its own", error.Message);
        }

        _samples.Open(out _).Dispose();
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("conv_../x")]
    [InlineData("conv_")]
    [InlineData("CON")]
    [InlineData("conv_AA")]
    [InlineData("\ud800\0\n")]
    public void StrangeId_IsNoPartOfAFileName(string id)
    {
        using (ConversationFolder folder = _samples.Open(out _))
        {
            _samples.Save(folder, id, _samples.Ids(40));
        }

        string file = Assert.Single(Directory.GetFiles(_samples.Folder, "*.mixkvq"));
        Assert.Matches("^id_[0-9a-f]{64}\\.mixkvq$", Path.GetFileName(file));
        using ConversationFolder second = _samples.Open(out IReadOnlyList<SavedConversation> found);
        Assert.Equal(id, Assert.Single(found).Id);
        Assert.NotNull(_samples.Restore(second, id, out _));
    }

    [Fact]
    public void Files_AreTheirOwnersOnly()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        string inside = Path.Combine(_samples.Folder, "new", "folder");
        using ConversationFolder folder = ConversationFolder.Open(inside, null, _samples.Sequences.Signature, _samples.VocabularySize, _samples.Log, out _);
        _samples.Save(folder, A, _samples.Ids(200));
        const UnixFileMode all = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Assert.Equal(all, File.GetUnixFileMode(inside));
        Assert.Equal(all, File.GetUnixFileMode(Path.Combine(inside, "pages")));
        foreach (string path in Directory.GetFiles(inside, "*", SearchOption.AllDirectories))
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        }
    }

    [Fact]
    public void ManySaversAtOnce_LeaveTheLastStateOfEach()
    {
        int[] ids = _samples.Ids(500);
        using (ConversationFolder folder = _samples.Open(out _))
        {
            Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 4 }, n =>
            {
                for (int turn = 1; turn <= 5; turn++)
                {
                    _samples.Save(folder, $"conv_{n:x}", [.. ids[..(turn * 80)], n]);
                    if (turn == 3 && n % 2 == 1)
                    {
                        folder.Delete($"conv_{n:x}");
                    }
                }
            });
            Assert.Equal(_samples.FileBytes, folder.TotalBytes);
        }

        using ConversationFolder second = _samples.Open(out IReadOnlyList<SavedConversation> found);
        Assert.Equal(8, found.Count);
        Assert.All(Enumerable.Range(0, 8), n => Assert.Equal<int>([.. ids[..400], n], _samples.Restore(second, $"conv_{n:x}", out _)!));
        Assert.Equal(_samples.FileBytes, second.TotalBytes);
        Assert.Empty(_samples.Log.Lines);
    }

    [Fact]
    public void ClosedFolder_IsNotWritten()
    {
        ConversationFolder folder = _samples.Open(out _);
        folder.Dispose();
        folder.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _samples.Save(folder, A, _samples.Ids(40)));
        Assert.Throws<ObjectDisposedException>(() => folder.Delete(A));
        Assert.Throws<ObjectDisposedException>(() => folder.Restore(A, _samples.Sequences, out _));
    }

    [Fact]
    public void ImageOfOtherTokens_IsNotSaved()
    {
        using ConversationFolder folder = _samples.Open(out _);
        using IConversationSequence sequence = _samples.Sequence(_samples.Ids(40));
        using CacheImage image = sequence.Export();
        Assert.Throws<ArgumentException>(() => folder.Save(_samples.Conversation(A, _samples.Ids(40), 39), image));
        Assert.Equal(0, folder.TotalBytes);
        Assert.Empty(_samples.Files("pages"));
    }
}
