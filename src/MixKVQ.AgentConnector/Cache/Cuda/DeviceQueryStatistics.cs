using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Cache.Precision;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache.Cuda;

/// <summary>
/// <see cref="QueryStatistics"/> whose sums are in a device's memory, written by its kernels, and whose counts are the host's. Written and read in the same form.
/// </summary>
internal sealed unsafe class DeviceQueryStatistics : IQueryStatistics
{
    private readonly CacheGeometry _geometry;
    private readonly QueryStatisticsKernels _kernels;
    private readonly Tensor _sums;

    /// <summary>By layer, then those of the layers' energies.</summary>
    private readonly int[] _counts;

    /// <summary>Statistics of no token.</summary>
    /// <param name="geometry">The shapes, and the device.</param>
    /// <param name="kernels">The device's.</param>
    public DeviceQueryStatistics(CacheGeometry geometry, QueryStatisticsKernels kernels)
    {
        (_geometry, _kernels) = (geometry, kernels);
        _counts = new int[2 * geometry.LayerCount];
        _sums = zeros(SumCount, dtype: ScalarType.Float64, device: geometry.Device).DetachFromDisposeScope();
        Magnitudes = TensorMemory.DataPointer(_sums);
        Energies = Magnitudes + ((nint)geometry.LayerCount * QueryLength * sizeof(double));
    }

    /// <summary>Statistics that were written; checked by <see cref="QueryStatistics.Read"/>.</summary>
    /// <param name="geometry">The shapes, and the device.</param>
    /// <param name="kernels">The device's.</param>
    /// <param name="source">What <see cref="Write"/> or the host's statistics wrote.</param>
    /// <param name="tokens">The tokens that they are of.</param>
    /// <exception cref="InvalidDataException">They cannot be statistics of as many tokens; the message says why.</exception>
    public static DeviceQueryStatistics Read(CacheGeometry geometry, QueryStatisticsKernels kernels, ReadOnlySpan<byte> source, int tokens)
    {
        QueryStatistics.Read(geometry, source, tokens).Dispose();
        var statistics = new DeviceQueryStatistics(geometry, kernels);
        fixed (byte* start = source)
        {
            using Tensor host = TensorMemory.FromBlob((nint)start, [statistics.SumCount], ScalarType.Float64);
            statistics._sums.copy_(host);
        }

        MemoryMarshal.Cast<byte, int>(source[(statistics.SumCount * sizeof(double))..])[..statistics._counts.Length].CopyTo(statistics._counts);
        return statistics;
    }

    /// <summary>Address of Σ|q|, [layers, queryHeads, headDim] doubles.</summary>
    public nint Magnitudes { get; }

    /// <summary>Address of Σ‖x‖² of each layer's input, [layers] doubles.</summary>
    public nint Energies { get; }

    /// <summary>Tokens since the last page, from position 32 on, between steps.</summary>
    public int TokenCount => _counts[0];

    /// <summary>Those of them whose layers' inputs were given: all or none.</summary>
    public int EnergyTokenCount => _counts[_geometry.LayerCount];

    /// <inheritdoc/>
    public long Bytes => QueryStatistics.BytesFor(_geometry);

    private int QueryLength => _geometry.QueryHeadCount * _geometry.HeadDim;

    private int SumCount => _geometry.LayerCount * (QueryLength + 1);

    /// <inheritdoc/>
    public void Add(int layer, Tensor queries, Tensor? residual, int firstToken)
    {
        int tokens = (int)queries.shape[0] - firstToken;
        if (tokens <= 0)
        {
            return;
        }

        using Tensor rows = Rows(queries, firstToken, tokens);
        using Tensor? residualRows = residual is null ? null : Rows(residual, firstToken, tokens);
        _kernels.Add(rows, residualRows, Magnitudes + ((nint)layer * QueryLength * sizeof(double)), Energies + (layer * sizeof(double)));
        _counts[layer] += tokens;
        _counts[_geometry.LayerCount + layer] += residual is null ? 0 : tokens;
    }

    /// <inheritdoc/>
    public void Add(int layer, ReadOnlySpan<float> queries, ReadOnlySpan<float> residual)
    {
        using Tensor row = tensor(queries.ToArray(), [1, queries.Length], device: _geometry.Device);
        using Tensor? residualRow = residual.IsEmpty ? null : tensor(residual.ToArray(), [1, residual.Length], device: _geometry.Device);
        Add(layer, row, residualRow, 0);
    }

    /// <summary>Counts tokens of all layers that kernels add to the sums.</summary>
    public void Count(int tokens)
    {
        foreach (ref int count in _counts.AsSpan())
        {
            count += tokens;
        }
    }

    /// <inheritdoc/>
    public void Reset()
    {
        using Tensor same = _sums.zero_();
        Array.Clear(_counts);
    }

    /// <inheritdoc/>
    public IQueryStatistics Copy()
    {
        var copy = new DeviceQueryStatistics(_geometry, _kernels);
        copy._sums.copy_(_sums);
        _counts.CopyTo(copy._counts, 0);
        return copy;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> target)
    {
        fixed (byte* start = target[..(SumCount * sizeof(double))])
        {
            using Tensor host = TensorMemory.FromBlob((nint)start, [SumCount], ScalarType.Float64);
            host.copy_(_sums);
        }

        MemoryMarshal.AsBytes(_counts.AsSpan()).CopyTo(target[(SumCount * sizeof(double))..]);
    }

    /// <inheritdoc/>
    public void Dispose() => _sums.Dispose();

    /// <summary>Rows from <paramref name="first"/> on as float32, [count, elements of a row], contiguous; the caller's.</summary>
    private static Tensor Rows(Tensor tokens, int first, int count)
    {
        using Tensor part = tokens.narrow(0, first, count);
        using Tensor rows = part.reshape(count, -1);
        using Tensor floats = rows.to(ScalarType.Float32);
        return floats.contiguous();
    }
}
