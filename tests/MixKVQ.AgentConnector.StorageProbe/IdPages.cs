using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.StorageProbe;

/// <summary>A model whose cache holds the token ids themselves: enough of one to write and read images, without sequences.</summary>
internal sealed class IdPages : ISequenceFactory, IDisposable
{
    /// <summary>Token ids of the model.</summary>
    public const int VocabularySize = 270;

    private const int PageBytes = CacheGeometry.PageTokens * sizeof(int);

    private readonly PagePool _pool = new();

    /// <inheritdoc/>
    public ModelSignature Signature { get; } = new("scripted", "none", "ids");

    /// <inheritdoc/>
    public long HeldBytes => _pool.LiveBytes;

    /// <inheritdoc/>
    public void Trim() => _pool.Trim();

    /// <summary>The image of a cache that has read <paramref name="ids"/>.</summary>
    public CacheImage Image(ReadOnlySpan<int> ids)
    {
        int sinks = ids.Length < CacheGeometry.SinkTokens ? 0 : CacheGeometry.SinkTokens;
        var pages = new Page[CacheGeometry.PagesIn(ids.Length)];
        for (int i = 0; i < pages.Length; i++)
        {
            pages[i] = ReadPage(Bytes(ids.Slice(sinks + i * CacheGeometry.PageTokens, CacheGeometry.PageTokens)));
        }

        return new CacheImage(ids.Length, Bytes(ids[..sinks]).ToArray(), Bytes(ids[(sinks + pages.Length * CacheGeometry.PageTokens)..]).ToArray(), pages);
    }

    /// <inheritdoc/>
    public Page ReadPage(ReadOnlySpan<byte> slab)
    {
        if (slab.Length != PageBytes)
        {
            throw new InvalidDataException($"A page has {slab.Length} bytes, not {PageBytes}.");
        }

        Page page = _pool.Rent(PageBytes);
        slab.CopyTo(page.Bytes);
        return page;
    }

    /// <inheritdoc/>
    public long BytesToHold(int sharedTokens, int tokens) => PageBytes * (1L + CacheGeometry.PagesIn(tokens) - CacheGeometry.PagesIn(sharedTokens));

    /// <inheritdoc/>
    public IConversationSequence Create() => throw new NotSupportedException();

    /// <inheritdoc/>
    public IConversationSequence Import(CacheImage image) => throw new NotSupportedException();

    /// <inheritdoc/>
    public void Dispose() => _pool.Dispose();

    private static ReadOnlySpan<byte> Bytes(ReadOnlySpan<int> ids) => MemoryMarshal.AsBytes(ids);
}
