using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.GpuCheck.Measuring;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Attention;

/// <summary>One layer of the packed caches of several conversations, as kernels see them, in several copies that take turns so that each is found cold.</summary>
internal sealed class PackedBatch : IDisposable
{
    private readonly List<Tensor> _memory = [];
    private readonly nint[] _sequences;

    /// <param name="machine">Where.</param>
    /// <param name="pages">What the caches are filled with; every page of a cache lies at its own address.</param>
    /// <param name="conversations">Conversations of a copy.</param>
    /// <param name="tokens">Tokens of each.</param>
    /// <param name="coldBytes">What all copies together hold at least.</param>
    public PackedBatch(CheckMachine machine, SealedPages pages, int conversations, int tokens, long coldBytes)
    {
        CacheGeometry geometry = pages.Layout.Geometry;
        PageCount = CacheGeometry.PagesIn(tokens);
        int tailTokens = tokens - CacheGeometry.PageBorder(tokens);
        long rowBytes = geometry.ElementsPerToken * geometry.ElementBytes;
        BytesRead = conversations * ((PageCount * (long)pages.Slabs[0].Length) + ((CacheGeometry.SinkTokens + tailTokens) * rowBytes));
        int copies = (int)Math.Max(1, (coldBytes + BytesRead - 1) / BytesRead);
        int caches = copies * conversations;
        int stride = pages.Slabs[0].Length;

        using var scope = NewDisposeScope();
        Tensor slabs = Keep(empty([((long)caches * PageCount * stride) + PagePool.Slack], ScalarType.Byte, machine.Device));
        Fill(slabs, pages, (long)caches * PageCount, machine.Device);
        Tensor addresses = Keep(arange(0, (long)caches * PageCount, ScalarType.Int64, machine.Device).mul_((long)stride).add_((long)TensorMemory.DataPointer(slabs)));
        Tensor sinks = Keep(Rows(CacheGeometry.SinkTokens)), tails = Keep(Rows(CacheGeometry.PageTokens));
        var sequences = new CacheSequence[caches];
        for (int i = 0; i < caches; i++)
        {
            sequences[i] = new CacheSequence
            {
                Pages = TensorMemory.DataPointer(addresses) + (i * PageCount * sizeof(long)),
                Sinks = TensorMemory.DataPointer(sinks) + (nint)(i * CacheGeometry.SinkTokens * rowBytes),
                Tail = TensorMemory.DataPointer(tails) + (nint)(i * CacheGeometry.PageTokens * rowBytes),
                PageCount = PageCount,
                SinkCount = CacheGeometry.SinkTokens,
                TailCount = tailTokens,
                Position = tokens - 1,
            };
        }

        Tensor table = Keep(tensor(MemoryMarshal.AsBytes(sequences.AsSpan()).ToArray(), ScalarType.Byte).to(machine.Device));
        int tableBytes = conversations * Marshal.SizeOf<CacheSequence>();
        _sequences = [.. Enumerable.Range(0, copies).Select(copy => TensorMemory.DataPointer(table) + (copy * tableBytes))];

        Tensor Keep(Tensor kept)
        {
            _memory.Add(kept.DetachFromDisposeScope());
            return kept;
        }

        Tensor Rows(int capacity) => empty([caches, geometry.LayerCount, 2, geometry.KeyValueHeadCount, capacity, geometry.HeadDim], geometry.DType, machine.Device).normal_();
    }

    /// <summary>Sealed pages of each conversation.</summary>
    public int PageCount { get; }

    /// <summary>Bytes that attention of one token of each conversation has to read.</summary>
    public long BytesRead { get; }

    /// <summary>The address of a copy's table of conversations.</summary>
    /// <param name="turn">Any number; copies take turns.</param>
    public nint Sequences(int turn) => _sequences[turn % _sequences.Length];

    public void Dispose() => _memory.ForEach(tensor => tensor.Dispose());

    private static void Fill(Tensor slabs, SealedPages pages, long count, Device device)
    {
        using var scope = NewDisposeScope();
        long stride = pages.Slabs[0].Length;
        Tensor templates = pages.On(device);
        long rounds = count / pages.Slabs.Count, rest = count % pages.Slabs.Count;
        long whole = rounds * pages.Slabs.Count;
        slabs.narrow(0, 0, whole * stride).view(rounds, pages.Slabs.Count, stride).copy_(templates.unsqueeze(0).expand(rounds, -1, -1));
        slabs.narrow(0, whole * stride, rest * stride).view(rest, stride).copy_(templates.narrow(0, 0, rest));
    }
}
