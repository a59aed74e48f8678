using System.Numerics;
using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Native.Cuda;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Attention.Cuda;

/// <summary>The addresses of one conversation's pages on the device. They are uploaded when one differs from those of the call before, which is once a page for all layers.</summary>
/// <param name="kernels">Uploads.</param>
/// <param name="device">Where the tensors of <paramref name="kernels"/> lie.</param>
internal sealed unsafe class PageTableMemory(IKernelDevice kernels, Device device) : IDisposable
{
    private const int SmallestCapacity = 256;

    private readonly DeviceBytes _memory = new(device);
    private nint[] _held = [];
    private int _count;

    /// <summary>The address at which the addresses of these pages lie in order.</summary>
    public nint Place(IReadOnlyList<Page> pages)
    {
        bool differs = pages.Count != _count;
        if (_held.Length < pages.Count)
        {
            int capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(pages.Count, SmallestCapacity));
            _memory.Reserve((long)capacity * nint.Size);
            _held = new nint[capacity];
            differs = true;
        }

        for (int i = 0; i < pages.Count; i++)
        {
            nint start = (nint)pages[i].Start;
            differs |= _held[i] != start;
            _held[i] = start;
        }

        _count = pages.Count;
        if (differs && _count > 0)
        {
            kernels.Upload(MemoryMarshal.AsBytes(_held.AsSpan(0, _count)), _memory.Address);
        }

        return _memory.Address;
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _memory.Dispose();
}
