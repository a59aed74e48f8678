using System.Numerics;
using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Native.Cuda;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models.Cuda;

/// <summary>The addresses of a batch's pages, conversation by conversation, on the device. They are uploaded when one differs from those of the step before.</summary>
/// <param name="kernels">Uploads.</param>
/// <param name="device">Where the tensors of <paramref name="kernels"/> lie.</param>
internal sealed class PageAddresses(IKernelDevice kernels, Device device) : IDisposable
{
    private readonly DeviceBytes _memory = new(device);
    private nint[] _held = [];
    private nint[] _next = [];
    private int _count;

    /// <summary>The most pages of one conversation.</summary>
    public int LargestCount { get; private set; }

    /// <summary>Brings the device's addresses to those of a batch.</summary>
    /// <param name="inputs">In the order of <paramref name="starts"/>.</param>
    /// <param name="starts">Receives the address at which each conversation's page addresses begin.</param>
    public void Update(ReadOnlySpan<DecodeInput> inputs, Span<nint> starts)
    {
        int count = 0;
        LargestCount = 0;
        foreach (DecodeInput input in inputs)
        {
            int pages = CacheGeometry.PagesIn(input.Cache.TokenCount);
            (count, LargestCount) = (count + pages, Math.Max(LargestCount, pages));
        }

        bool isLost = Reserve(count);
        int first = 0;
        for (int i = 0; i < inputs.Length; i++)
        {
            starts[i] = _memory.Address + (first * nint.Size);
            first += inputs[i].Cache.CopyPageAddresses(_next.AsSpan(first));
        }

        ReadOnlySpan<nint> next = _next.AsSpan(0, first);
        if (isLost || !next.SequenceEqual(_held.AsSpan(0, _count)))
        {
            kernels.Upload(MemoryMarshal.AsBytes(next), _memory.Address);
            (_held, _next, _count) = (_next, _held, first);
        }
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _memory.Dispose();

    private bool Reserve(int count)
    {
        if (_next.Length >= count)
        {
            return false;
        }

        int capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(count, 256));
        bool isLost = _memory.Reserve((long)capacity * nint.Size);
        (_held, _next) = (new nint[capacity], new nint[capacity]);
        return isLost;
    }
}
