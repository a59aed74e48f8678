using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Native.Cuda;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models.Cuda;

/// <summary>What a decode step uploads: each conversation's cache as kernels see it, and its token. A row of the step is a conversation that could begin it.</summary>
/// <param name="kernels">Uploads.</param>
/// <param name="device">Where the tensors of <paramref name="kernels"/> lie.</param>
internal sealed class StepTable(IKernelDevice kernels, Device device) : IDisposable
{
    private readonly PageAddresses _pages = new(kernels, device);
    private readonly DeviceBytes _memory = new(device);
    private byte[] _bytes = [];
    private nint[] _starts = [];
    private int[] _inputs = [];
    private int _capacity;

    /// <summary>Rows of the step.</summary>
    public int Count { get; private set; }

    /// <summary>The highest position of a row's token.</summary>
    public int LastPosition { get; private set; }

    /// <summary>The most pages of a row.</summary>
    public int LargestPageCount => _pages.LargestCount;

    /// <summary>Address of <see cref="CacheSequence"/>[<see cref="Count"/>].</summary>
    public nint Sequences => _memory.Address;

    /// <summary>Address of the rows' token ids, int32.</summary>
    public nint Ids => _memory.Address + (_capacity * Unsafe.SizeOf<CacheSequence>());

    /// <summary>Which input a row is.</summary>
    public int Input(int row) => _inputs[row];

    /// <summary>Begins a step in all caches and uploads the table.</summary>
    /// <param name="inputs">The batch.</param>
    /// <param name="failures">Set to null where the step has begun, else to what is wrong with this conversation, which gets no row.</param>
    public void Begin(ReadOnlySpan<DecodeInput> inputs, Span<Exception?> failures)
    {
        Reserve(inputs.Length);
        _pages.Update(inputs, _starts);
        Span<CacheSequence> sequences = MemoryMarshal.Cast<byte, CacheSequence>(_bytes.AsSpan())[.._capacity];
        Span<int> ids = MemoryMarshal.Cast<byte, int>(_bytes.AsSpan(_capacity * Unsafe.SizeOf<CacheSequence>()));
        (Count, LastPosition) = (0, 0);
        for (int i = 0; i < inputs.Length; i++)
        {
            try
            {
                sequences[Count] = inputs[i].Cache.BeginDeviceStep(1, _starts[i]);
                failures[i] = null;
            }
            catch (Exception exception)
            {
                // Whatever went wrong is this conversation's alone.
                failures[i] = exception;
                continue;
            }

            ids[Count] = inputs[i].TokenId;
            LastPosition = Math.Max(LastPosition, sequences[Count].Position);
            _inputs[Count++] = i;
        }

        kernels.Upload(_bytes, _memory.Address);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        _pages.Dispose();
        _memory.Dispose();
    }

    private void Reserve(int count)
    {
        if (count <= _capacity)
        {
            return;
        }

        int bytes = count * (Unsafe.SizeOf<CacheSequence>() + sizeof(int));
        _memory.Reserve(bytes);
        (_capacity, _bytes, _starts, _inputs) = (count, new byte[bytes], new nint[count], new int[count]);
    }
}
