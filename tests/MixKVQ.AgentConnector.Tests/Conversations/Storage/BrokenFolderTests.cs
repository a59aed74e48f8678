using System.Diagnostics;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Conversations.Storage;

namespace MixKVQ.AgentConnector.Tests.Conversations.Storage;

/// <summary>Folders that a crash, a failing disk or a stranger left in disorder.</summary>
public sealed class BrokenFolderTests : IDisposable
{
    private const string A = "conv_aa";
    private const string B = "conv_bb";

    private readonly SavedSamples _samples = new();

    public void Dispose() => _samples.Dispose();

    [Fact]
    public void WhatACrashLeft_IsRemovedAndNothingElse()
    {
        int[] ids = _samples.Ids(300);
        SaveBoth(ids);
        string page = _samples.Files("pages")[0];
        string[] left =
        [
            $"{_samples.PathOf(A)}.tmp-{Guid.NewGuid():N}",
            $"{page}.tmp-{Guid.NewGuid():N}",
            Path.Combine(_samples.Folder, "pages", new SavedBlob(1, 4).FileName),
        ];
        string[] others = [Path.Combine(_samples.Folder, "notes.txt"), Path.Combine(_samples.Folder, $"notes.tmp-{Guid.NewGuid():N}"), Path.Combine(_samples.Folder, "pages", "notes.blob")];
        foreach (string path in left.Concat(others))
        {
            File.WriteAllText(path, "left");
        }

        using ConversationFolder folder = _samples.Open(out IReadOnlyList<SavedConversation> found);
        Assert.Equal([A, B], found.Select(conversation => conversation.Id).Order());
        Assert.DoesNotContain(left, File.Exists);
        Assert.All(others, path => Assert.True(File.Exists(path)));
        Assert.Equal(ids, _samples.Restore(folder, A, out _));
    }

    [Fact]
    public void MissingPage_CostsTheCacheButNotTheDialogue()
    {
        int[] ids = _samples.Ids(300);
        SaveBoth(ids);
        File.Delete(NewestPage());

        using (ConversationFolder folder = _samples.Open(out IReadOnlyList<SavedConversation> found))
        {
            Assert.All(found, conversation => Assert.Equal((0, 0L, 300), (conversation.CachedTokens, conversation.Usage.TotalBytes, conversation.Tokens.Count)));
            Assert.Contains(_samples.Log.Lines, line => line.Contains(A) && line.Contains("missing"));
            Assert.Null(_samples.Restore(folder, A, out string? refusal));
            Assert.Contains(A, refusal);

            // The pages that were left serve nobody.
            Assert.Empty(_samples.Files("pages"));
            _samples.Save(folder, A, ids);
            Assert.Equal(ids, _samples.Restore(folder, A, out _));
        }

        using ConversationFolder second = _samples.Open(out _);
        Assert.Equal(ids, _samples.Restore(second, A, out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void BrokenPage_IsSetAsideAndWrittenAnew(bool isShort)
    {
        int[] ids = _samples.Ids(300);
        SaveBoth(ids);
        using ConversationFolder folder = _samples.Open(out _);
        byte[] page = File.ReadAllBytes(NewestPage());
        page[0] ^= 1;
        File.WriteAllBytes(NewestPage(), isShort ? page[1..] : page);

        Assert.Null(_samples.Restore(folder, A, out string? refusal));
        Assert.Contains("page", refusal);
        Assert.Single(_samples.Files("refused"));
        Assert.True(File.Exists(_samples.PathOf(A)));
        Assert.Null(_samples.Restore(folder, B, out _));
        Assert.Equal(0, _samples.Sequences.Pool.LivePageCount);

        _samples.Save(folder, B, ids);
        Assert.Equal(ids, _samples.Restore(folder, B, out _));
        Assert.Null(_samples.Restore(folder, A, out _));
        Assert.Equal(_samples.FileBytes, folder.TotalBytes);
    }

    [Fact]
    public void BrokenTail_SetsTheConversationAside()
    {
        SaveBoth(_samples.Ids(300));
        using ConversationFolder folder = _samples.Open(out _);
        Spoil(_samples.PathOf(A), 16384);
        Assert.Null(_samples.Restore(folder, A, out string? refusal));
        Assert.Contains("open part", refusal);
        Assert.False(File.Exists(_samples.PathOf(A)));
        Assert.NotNull(_samples.Restore(folder, B, out _));
        Assert.Contains(_samples.Log.Lines, line => line.Contains("refused") && line.Contains("open part"));
    }

    [Fact]
    public void FileThatWasExchanged_IsRefused()
    {
        using ConversationFolder folder = _samples.Open(out _);
        _samples.Save(folder, A, _samples.Ids(40));
        File.Copy(_samples.PathOf(A), _samples.PathOf(A) + ".old");
        _samples.Save(folder, A, _samples.Ids(50));
        File.Move(_samples.PathOf(A) + ".old", _samples.PathOf(A), overwrite: true);
        Assert.Null(_samples.Restore(folder, A, out string? refusal));
        Assert.Contains("another file", refusal);
    }

    [Fact]
    public void BrokenConversations_AreSetAsideWithTheirReasons()
    {
        SaveBoth(_samples.Ids(300));
        Spoil(_samples.PathOf(A), 4096);
        File.Copy(_samples.PathOf(B), _samples.PathOf("conv_cc"));
        File.WriteAllText(Path.Combine(_samples.Folder, "x\ny.mixkvq"), "hello");
        using ConversationFolder folder = _samples.Open(out IReadOnlyList<SavedConversation> found);
        Assert.Equal(B, Assert.Single(found).Id);
        Assert.Equal(3, _samples.Files("refused").Length);
        Assert.Contains(_samples.Log.Lines, line => line.Contains(A) && line.Contains("checksum of its text"));
        Assert.Contains(_samples.Log.Lines, line => line.Contains("conv_cc") && line.Contains("another name"));
        Assert.Contains(_samples.Log.Lines, line => line.Contains("x?y") && line.Contains("no saved conversation"));
        Assert.Equal(_samples.FileBytes, folder.TotalBytes);
    }

    [Fact]
    public void AnotherModel_SetsAllAside()
    {
        SaveBoth(_samples.Ids(300));
        var other = new ModelSignature("other", "none", "ids");
        using ConversationFolder folder = ConversationFolder.Open(_samples.Folder, null, other, _samples.VocabularySize, _samples.Log, out IReadOnlyList<SavedConversation> found);
        Assert.Empty(found);
        Assert.Equal(2, _samples.Log.Lines.Count(line => line.Contains("another model")));
        Assert.Empty(_samples.Files("pages"));
    }

    [Fact]
    public void RefusedFiles_StayWhileThereIsRoomAndGoBeforeConversations()
    {
        for (int i = 0; i < 21; i++)
        {
            File.WriteAllBytes(_samples.PathOf($"conv_{i:x}"), new byte[1000]);
        }

        using (_samples.Open(out _))
        {
            Assert.Equal(21, _samples.Files("refused").Length);
        }

        using ConversationFolder folder = _samples.Open(out _, limitBytes: 20_000);
        Assert.Empty(_samples.Save(folder, A, _samples.Ids(20)).EvictedIds);
        Assert.InRange(_samples.Files("refused").Length, 1, 20);
        Assert.InRange(folder.TotalBytes, 1, 20_000);
    }

    [Fact]
    public async Task PipesAndLinks_AreRefusedUnread()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        SaveBoth(_samples.Ids(300));
        string outside = Path.Combine(_samples.Folder, "outside");
        File.Move(_samples.PathOf(A), outside);
        File.CreateSymbolicLink(_samples.PathOf(A), outside);
        using (var process = Process.Start("mkfifo", [_samples.PathOf("conv_cc")]))
        {
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        using ConversationFolder folder = await Task.Run(() => _samples.Open(out _)).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(2, _samples.Log.Lines.Count(line => line.Contains("a link or a device")));
        Assert.True(File.Exists(outside));
        Assert.NotNull(_samples.Restore(folder, B, out _));
    }

    [Fact]
    public void SaveThatFails_LeavesTheLastOne()
    {
        int[] ids = _samples.Ids(300);
        using (ConversationFolder folder = _samples.Open(out _))
        {
            _samples.Save(folder, A, ids[..200]);
            long before = folder.TotalBytes;

            // A folder in the place of a file cannot be replaced by one.
            Directory.CreateDirectory(_samples.PathOf(B));
            Assert.Throws<IOException>(() => _samples.Save(folder, B, ids));
            Directory.Delete(_samples.PathOf(B));
            Assert.Equal(before, folder.TotalBytes);
            Assert.Equal(2, _samples.Files("pages").Length);

            Directory.Move(Path.Combine(_samples.Folder, "pages"), Path.Combine(_samples.Folder, "away"));
            Assert.ThrowsAny<IOException>(() => _samples.Save(folder, A, ids));
            Directory.Move(Path.Combine(_samples.Folder, "away"), Path.Combine(_samples.Folder, "pages"));
            Assert.Equal(before, folder.TotalBytes);
            Assert.Equal(ids[..200], _samples.Restore(folder, A, out _));
        }

        using ConversationFolder second = _samples.Open(out IReadOnlyList<SavedConversation> found);
        Assert.Equal(200, Assert.Single(found).CachedTokens);
        Assert.Equal(ids[..200], _samples.Restore(second, A, out _));
    }

    [Fact]
    public void FolderThatIsAFile_IsNotOpened()
    {
        string path = Path.Combine(_samples.Folder, "file");
        File.WriteAllText(path, "");
        Assert.Throws<IOException>(() => ConversationFolder.Open(path, null, _samples.Sequences.Signature, 1, _samples.Log, out _));
    }

    private void SaveBoth(int[] ids)
    {
        using ConversationFolder folder = _samples.Open(out _);
        _samples.Save(folder, A, ids);
        _samples.Save(folder, B, ids);
    }

    private static void Spoil(string path, int at)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[at] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private string NewestPage() => _samples.Files("pages").First(path => new FileInfo(path).Length > 128);
}
