using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Cache.Precision;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache.Cuda;

/// <summary>Memory of a device in which pages are sealed, one after the other.</summary>
internal sealed class SealScratch : IDisposable
{
    /// <summary>Each piece begins at a multiple of so many bytes.</summary>
    private const int Alignment = 16;

    private readonly IKernelDevice _device;
    private readonly Tensor _memory;
    private readonly SealArguments _arguments;

    /// <param name="layout">How pages are laid out.</param>
    /// <param name="page">Where statistics are downloaded to; tells how many numbers there are.</param>
    /// <param name="device">Where kernels run.</param>
    public SealScratch(PackedPageLayout layout, PageStatistics page, IKernelDevice device)
    {
        _device = device;
        CacheGeometry geometry = layout.Geometry;
        int lines = page.Minima.Length, blocks = page.BlockCount;
        long bytes = 0;
        long minima = Piece<float>(lines), maxima = Piece<float>(lines), importance = Piece<float>(page.QueryImportance.Length);
        long variances = Piece<double>(blocks), outputWeights = Piece<double>(blocks), keyZeroBytes = Piece<int>(blocks), headWeights = Piece<float>(blocks);
        long order = Piece<uint>(lines), keys = Piece<uint>(lines), levels = Piece<byte>(lines), widths = Piece<byte>(lines), result = Piece<SealResult>(1);
        _memory = empty(bytes, ScalarType.Byte, geometry.Device).DetachFromDisposeScope();
        nint start = TensorMemory.DataPointer(_memory);
        _arguments = new SealArguments
        {
            HeadWeights = Address(headWeights),
            Minima = Address(minima),
            Maxima = Address(maxima),
            Importance = Address(importance),
            Variances = Address(variances),
            OutputWeights = Address(outputWeights),
            KeyZeroBytes = Address(keyZeroBytes),
            Lines = Address(order),
            Keys = Address(keys),
            Levels = Address(levels),
            Widths = Address(widths),
            Result = Address(result),
            KeySavings = StepSavings.Of(QuadSteps.KeySavings),
            ValueSavings = StepSavings.Of(QuadSteps.ValueSavings),
        };
        float[] weights = [.. Enumerable.Range(0, blocks).Select(geometry.OutputWeight)];
        device.Upload(MemoryMarshal.AsBytes<float>(weights), _arguments.HeadWeights);

        nint Address(long offset) => checked(start + (nint)offset);

        long Piece<T>(int count)
            where T : unmanaged
        {
            long offset = bytes;
            bytes += ((long)count * Marshal.SizeOf<T>() + Alignment - 1) & -Alignment;
            return offset;
        }
    }

    /// <summary>Arguments of the kernels that name this memory, the result cleared; what belongs to a page is the caller's to fill in.</summary>
    public SealArguments Begin()
    {
        _device.Clear(_arguments.Result, Marshal.SizeOf<SealResult>());
        return _arguments;
    }

    /// <summary>Downloads what kernels tell, once all that was asked for before is done.</summary>
    public SealResult Result()
    {
        var result = default(SealResult);
        _device.Download(_arguments.Result, MemoryMarshal.AsBytes(new Span<SealResult>(ref result)));
        return result;
    }

    /// <summary>Downloads a page's statistics.</summary>
    public void Download(PageStatistics page)
    {
        Download<float>(_arguments.Minima, page.Minima);
        Download<float>(_arguments.Maxima, page.Maxima);
        Download<float>(_arguments.Importance, page.QueryImportance);
        Download<double>(_arguments.Variances, page.ValueVariances);
        Download<double>(_arguments.OutputWeights, page.OutputWeights);
        Download<int>(_arguments.KeyZeroBytes, page.KeyZeroBytes);
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose() => _memory.Dispose();

    private void Download<T>(nint source, Span<T> target)
        where T : unmanaged => _device.Download(source, MemoryMarshal.AsBytes(target));
}
