using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Tests.Conversations;

/// <summary>Makes sequences whose pages hold the ids themselves: 512 bytes a page, and as many for all that is no page.</summary>
internal sealed class ScriptedSequenceFactory(ScriptedModel model) : ISequenceFactory
{
    /// <summary>Bytes of a page, and of the rest of a sequence.</summary>
    public const int PieceBytes = 512;

    private readonly ConcurrentDictionary<ScriptedSequence, bool> _live = new();

    /// <summary>Sequences not disposed yet.</summary>
    public int LiveCount => _live.Count;

    /// <summary>The ids that each live sequence holds. Not while one grows.</summary>
    public IReadOnlyList<int[]> LiveContents => [.. _live.Keys.Select(sequence => sequence.Content)];

    /// <summary>Where the pages are.</summary>
    public PagePool Pool { get; } = new();

    /// <inheritdoc/>
    public ModelSignature Signature
    {
        get
        {
            model.OnWrite?.Invoke();
            return field;
        }

        set;
    } = new("scripted", "none", "ids");

    /// <inheritdoc/>
    public long HeldBytes
    {
        get
        {
            // Two counts of one moment.
            while (true)
            {
                (int live, long bytes) = (LiveCount, Pool.LiveBytes);
                if (live == LiveCount && bytes == Pool.LiveBytes)
                {
                    return bytes + PieceBytes * live;
                }
            }
        }
    }

    /// <inheritdoc/>
    public DeviceMemory? DeviceMemory { get; set; }

    /// <inheritdoc/>
    public void Trim() => Pool.Trim();

    /// <inheritdoc/>
    public IConversationSequence Create()
    {
        model.OnOpen?.Invoke();
        return new ScriptedSequence(model, this, [], []);
    }

    /// <inheritdoc/>
    public long BytesToHold(int sharedTokens, int tokens) => PieceBytes * (1L + CacheGeometry.PagesIn(tokens) - CacheGeometry.PagesIn(sharedTokens));

    /// <inheritdoc/>
    public Page ReadPage(ReadOnlySpan<byte> slab)
    {
        if (slab.Length != PieceBytes)
        {
            throw new InvalidDataException($"A page has {slab.Length} bytes, not {PieceBytes}.");
        }

        Page page = Pool.Rent(PieceBytes);
        slab.CopyTo(page.Bytes);
        return page;
    }

    /// <inheritdoc/>
    public IConversationSequence Import(CacheImage image)
    {
        List<int> seen = [.. MemoryMarshal.Cast<byte, int>(image.Sinks.Span)];
        foreach (Page page in image.Pages)
        {
            seen.AddRange(MemoryMarshal.Cast<byte, int>(page.Bytes));
        }

        seen.AddRange(MemoryMarshal.Cast<byte, int>(image.Open.Span));
        if (seen.Count != image.TokenCount)
        {
            image.Dispose();
            throw new InvalidDataException($"The image holds {seen.Count} ids, not {image.TokenCount}.");
        }

        return new ScriptedSequence(model, this, seen, [.. image.TakePages()]);
    }

    internal void Add(ScriptedSequence sequence) => _live[sequence] = true;

    internal void Remove(ScriptedSequence sequence) => _live.TryRemove(sequence, out _);
}
