using System.Buffers.Binary;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Conversations.Storage;
using MixKVQ.AgentConnector.StorageProbe;

namespace MixKVQ.AgentConnector.Tests.Conversations.Storage;

/// <summary>Files that hold a conversation and all of its cache, and what is refused in their place.</summary>
public sealed class ConversationFileTests : IDisposable
{
    private const int Bytes = 300;

    private readonly SavedSamples _samples = new();

    private string FilePath => Path.Combine(_samples.Folder, "saved");

    public void Dispose() => _samples.Dispose();

    [Theory]
    [InlineData(0, 0)]
    [InlineData(31, 31)]
    [InlineData(32, 30)]
    [InlineData(300, 300)]
    [InlineData(301, 300)]
    public void File_HoldsTheWholeCache(int count, int cachedTokens)
    {
        int[] ids = _samples.Ids(count);
        Write(ids, cachedTokens);
        Assert.Equal<int>(ids[..cachedTokens], Restore());
        Assert.Equal([FilePath], Directory.GetFileSystemEntries(_samples.Folder));
    }

    [Fact]
    public void NewFile_TakesThePlaceOfTheOld()
    {
        Write(_samples.Ids(700), 700);
        Write(_samples.Ids(40), 40);
        Assert.Equal<int>(_samples.Ids(40), Restore());
    }

    [Fact]
    public void EverySectionAndPiece_BeginsAtAMemoryPage()
    {
        Write(_samples.Ids(Bytes), Bytes);
        using ConversationFile file = Open();
        Assert.Equal(3, file.Pieces.Count);
        Assert.All(file.Pieces, piece => Assert.Equal(0, piece.Offset % 4096));
    }

    [Fact]
    public void FileCutOffAnywhere_IsRefused()
    {
        Write(_samples.Ids(Bytes), Bytes);
        byte[] file = File.ReadAllBytes(FilePath);
        IEnumerable<int> borders = Enumerable.Range(0, file.Length / 512).SelectMany(n => new[] { n * 512 - 1, n * 512, n * 512 + 1 });
        foreach (int length in borders.Append(file.Length - 1).Where(length => length >= 0))
        {
            File.WriteAllBytes(FilePath, file[..length]);
            Assert.Contains(length == 0 ? "empty" : "cut off", Refusal());
        }
    }

    [Fact]
    public void FileOfANewerVersion_IsRefusedAsThat()
    {
        Edit(file => BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(8), 2));
        Assert.Contains("newer version of this library, in format 2", Refusal());
        Edit(file => BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(8), 0));
        Assert.Contains("unknown format 0", Refusal());
    }

    [Theory]
    [InlineData(0, "no saved conversation")]
    [InlineData(16, "header")]
    [InlineData(40, "header")]
    [InlineData(4095, "header")]
    [InlineData(4096, "text")]
    [InlineData(8192, "tokens")]
    [InlineData(12288, "table of pieces")]
    [InlineData(16384, "open part")]
    [InlineData(20480, "page at 20480")]
    [InlineData(24576, "page at 24576")]
    public void ChangedBit_IsRefusedWithItsPlace(int at, string place)
    {
        Edit(file => file[at] ^= 1);
        Assert.Contains(place, Refusal());
    }

    [Theory]
    [InlineData("other", "none", "ids", "another model (fingerprint other, the loaded one has scripted)")]
    [InlineData("scripted", "other", "ids", "other rotary embeddings")]
    [InlineData("scripted", "none", "other", "another cache")]
    public void FileOfAnotherModel_IsRefusedWithTheDifference(string model, string rope, string cache, string difference)
    {
        Write(_samples.Ids(Bytes), Bytes, saved => saved with { Signature = new ModelSignature(model, rope, cache) });
        Assert.Contains(difference, Refusal());
    }

    [Fact]
    public void TokensOutsideTheVocabulary_AreRefused()
    {
        Write([.. _samples.Ids(5), _samples.VocabularySize], 5);
        Assert.Contains("tokens", Refusal());
        Write([.. _samples.Ids(5), -1], 5);
        Assert.Contains("tokens", Refusal());
    }

    // The header's table: offset and length of the text at 24, the tokens at 56, the pieces at 88, the open part at 120. Pieces at 12288: the sinks, then pages of 32 bytes each.
    [Theory]
    [InlineData(24, 8192, "section 0")]
    [InlineData(24, -4096, "section 0")]
    [InlineData(32, -1, "section 0")]
    [InlineData(32, long.MaxValue, "section 0")]
    [InlineData(64, 1199, "tokens")]
    [InlineData(64, 0, "refused")]
    [InlineData(96, 64, "belong to nothing")]
    [InlineData(96, 95, "belong to nothing")]
    [InlineData(128, 1L << 40, "section 3")]
    [InlineData(128, 4097, "piece 0")]
    [InlineData(12288 + 8, 0, "piece 0")]
    [InlineData(12288 + 8, long.MaxValue, "piece 0")]
    [InlineData(12288, 24576, "piece 0")]
    [InlineData(12288 + 32, 20480, "piece 1")]
    [InlineData(12288 + 64 + 8, 511, "belong to nothing")]
    [InlineData(12288 + 64 + 8, 513, "piece 2")]
    public void ForgedSizes_AreRefused(int at, long value, string fault)
    {
        Edit(file =>
        {
            BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(at), value);
            FileMutation.Forge(file);
        });
        Assert.Contains(fault, Refusal());
    }

    [Fact]
    public void PieceLargerThanAnyOfTheModel_IsRefusedBeforeItIsRead()
    {
        int[] ids = _samples.Ids(40);
        using var image = new CacheImage(40, new byte[128], new byte[1 << 20], []);
        ConversationFileWriter.Write(FilePath, _samples.Conversation("conv_aa", ids), image);
        using ConversationFile file = Open();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("1048576 bytes, more than", Assert.Throws<InvalidDataException>(() => file.ReadCache(_samples.Sequences)).Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 18);
    }

    [Fact]
    public void FileOfAFolder_IsNotEnoughAlone()
    {
        using (ConversationFolder folder = _samples.Open(out _))
        {
            _samples.Save(folder, "conv_aa", _samples.Ids(Bytes));
        }

        File.Copy(_samples.PathOf("conv_aa"), FilePath);
        Assert.Contains("outside of it", Refusal());
    }

    [Fact]
    public void WholeFilePutInAFolder_IsAConversationOfIt()
    {
        int[] ids = _samples.Ids(Bytes);
        Write(ids, Bytes);
        File.Move(FilePath, _samples.PathOf("conv_aa"));
        using ConversationFolder folder = _samples.Open(out _);
        Assert.Equal<int>(ids, _samples.Restore(folder, "conv_aa", out _)!);
        _samples.Save(folder, "conv_aa", ids);
        Assert.Equal(3, _samples.Files("pages").Length);
    }

    [Fact]
    public void MissingFileOrFolder_IsSaidSo()
    {
        Assert.Contains("missing", Refusal());
        Assert.Contains("link", Assert.Throws<InvalidDataException>(() => ConversationFile.Open(_samples.Folder, _samples.Sequences.Signature, 1)).Message);
    }

    private void Write(int[] ids, int cachedTokens, Func<SavedConversation, SavedConversation>? change = null)
    {
        SavedConversation saved = _samples.Conversation("conv_aa", ids, cachedTokens);
        using IConversationSequence sequence = _samples.Sequence(ids.AsSpan(0, cachedTokens));
        using CacheImage image = sequence.Export();
        ConversationFileWriter.Write(FilePath, change?.Invoke(saved) ?? saved, image);
    }

    private void Edit(Action<byte[]> edit)
    {
        Write(_samples.Ids(Bytes), Bytes);
        byte[] file = File.ReadAllBytes(FilePath);
        edit(file);
        File.WriteAllBytes(FilePath, file);
    }

    private ConversationFile Open() => ConversationFile.Open(FilePath, _samples.Sequences.Signature, _samples.VocabularySize);

    private int[] Restore()
    {
        using ConversationFile file = Open();
        using IConversationSequence sequence = file.Import(_samples.Sequences, file.ReadCache(_samples.Sequences));
        return SavedSamples.Seen(sequence);
    }

    private string Refusal()
    {
        string message = Assert.Throws<InvalidDataException>(Restore).Message;
        Assert.StartsWith($"{FilePath} is refused: ", message);
        Assert.Equal(0, _samples.Sequences.Pool.LivePageCount);
        return message;
    }
}
