using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Parity;

/// <summary>Caches on a device as its kernels see them, steps under way included.</summary>
internal sealed class SequenceTable : IDisposable
{
    private readonly Tensor _pages;
    private readonly Tensor _sequences;

    /// <param name="device">Where the caches are.</param>
    /// <param name="caches">Borrowed, and not to be changed while the table is used.</param>
    public unsafe SequenceTable(Device device, IReadOnlyList<KvCache> caches)
    {
        long[] addresses = [.. caches.SelectMany(cache => cache.Pages).Select(page => (long)page.Start), 0];
        _pages = tensor(addresses, ScalarType.Int64, device);
        nint next = TensorMemory.DataPointer(_pages);
        var sequences = new CacheSequence[caches.Count];
        for (int i = 0; i < sequences.Length; i++)
        {
            CacheView view = caches[i].Layer(0).View;
            sequences[i] = new CacheSequence
            {
                Pages = next,
                Sinks = TensorMemory.DataPointer(view.Sinks.Keys),
                Tail = TensorMemory.DataPointer(view.Tail.Keys),
                PageCount = view.Pages.Count,
                SinkCount = view.Sinks.Count,
                TailCount = view.Tail.Count,
                Position = view.TokenCount - 1,
            };
            next += view.Pages.Count * sizeof(long);
        }

        LargestPageCount = sequences.Max(sequence => sequence.PageCount);
        _sequences = tensor(MemoryMarshal.AsBytes(sequences.AsSpan()).ToArray(), ScalarType.Byte, device);
    }

    /// <summary>The most pages that one of them has.</summary>
    public int LargestPageCount { get; }

    /// <summary>The table's address on the device.</summary>
    public nint Address => TensorMemory.DataPointer(_sequences);

    public void Dispose()
    {
        _pages.Dispose();
        _sequences.Dispose();
    }
}
