using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>
/// What is gathered, token by token, for the next page's plan: Σ|Q| of each query head's channels, and Σ‖x‖² of each layer's input.
/// <para>
/// A page's plan uses the queries of the page's own 128 tokens. The paper (arXiv 2512.19206) runs the mean over all queries so far; on a trained model the two tied.
/// Page-own statistics are causal by construction, and no state outlives a page, so truncating to a page border or forking needs none restored.
/// </para>
/// Sums are taken in token order in double precision, so that they do not depend on how tokens came in steps.
/// </summary>
internal sealed class QueryStatistics(CacheGeometry geometry) : IQueryStatistics
{
    private readonly int _queryLength = geometry.QueryHeadCount * geometry.HeadDim;
    private readonly double[] _magnitudes = new double[geometry.LayerCount * geometry.QueryHeadCount * geometry.HeadDim];
    private readonly double[] _energies = new double[geometry.LayerCount];
    private readonly int[] _tokenCounts = new int[geometry.LayerCount];
    private readonly int[] _energyTokenCounts = new int[geometry.LayerCount];

    /// <inheritdoc/>
    public long Bytes => BytesFor(geometry);

    /// <summary>The bytes of statistics of a model's shape.</summary>
    public static long BytesFor(CacheGeometry geometry) =>
        (sizeof(double) * (long)(geometry.QueryHeadCount * geometry.HeadDim + 1) + 2 * sizeof(int)) * geometry.LayerCount;

    /// <inheritdoc/>
    public void Add(int layer, Tensor queries, Tensor? residual, int firstToken)
    {
        int tokens = (int)queries.shape[0];
        if (firstToken >= tokens)
        {
            return;
        }

        using Tensor host = ToHost(queries);
        using Tensor? hostResidual = residual is null ? null : ToHost(residual);
        int hidden = (int)(residual?.shape[1] ?? 0);
        ReadOnlySpan<float> elements = Floats(host);
        ReadOnlySpan<float> inputs = hostResidual is null ? [] : Floats(hostResidual);
        for (int token = firstToken; token < tokens; token++)
        {
            Add(layer, elements.Slice(token * _queryLength, _queryLength), inputs.Slice(token * hidden, hidden));
        }
    }

    /// <inheritdoc/>
    public void Add(int layer, ReadOnlySpan<float> queries, ReadOnlySpan<float> residual)
    {
        StepSums.AddMagnitudes(queries, Magnitudes(layer));
        _tokenCounts[layer]++;
        if (!residual.IsEmpty)
        {
            _energies[layer] += StepSums.Energy(residual);
            _energyTokenCounts[layer]++;
        }
    }

    /// <summary>I_d of a block's channels: the mean of |Q_d| over the tokens added and the KV head's query heads.</summary>
    public float[] Importance(int layer, int keyValueHead)
    {
        var importance = new float[geometry.HeadDim];
        ReadOnlySpan<double> heads = Magnitudes(layer).Slice(keyValueHead * geometry.GroupSize * geometry.HeadDim, geometry.GroupSize * geometry.HeadDim);
        double count = Math.Max(1, (double)_tokenCounts[layer] * geometry.GroupSize);
        for (int channel = 0; channel < importance.Length; channel++)
        {
            double sum = 0;
            for (int i = channel; i < heads.Length; i += geometry.HeadDim)
            {
                sum += heads[i];
            }

            importance[channel] = (float)(sum / count);
        }

        return importance;
    }

    /// <summary>
    /// E‖x‖² of the residual stream that a layer's output stands in: the next layer's input, and for the last layer, whose successor no cache sees, its own.
    /// 1 where no residual was given. (The layer's own input misleads: a model's embeddings can be thousands of times smaller than what its first layer adds.)
    /// </summary>
    public double Energy(int layer)
    {
        int after = Math.Min(layer + 1, geometry.LayerCount - 1);
        return _energyTokenCounts[after] == 0 ? 1 : _energies[after] / _energyTokenCounts[after];
    }

    /// <inheritdoc/>
    public void Reset()
    {
        Array.Clear(_magnitudes);
        Array.Clear(_energies);
        Array.Clear(_tokenCounts);
        Array.Clear(_energyTokenCounts);
    }

    /// <inheritdoc/>
    public IQueryStatistics Copy()
    {
        var copy = new QueryStatistics(geometry);
        _magnitudes.CopyTo(copy._magnitudes, 0);
        _energies.CopyTo(copy._energies, 0);
        _tokenCounts.CopyTo(copy._tokenCounts, 0);
        _energyTokenCounts.CopyTo(copy._energyTokenCounts, 0);
        return copy;
    }

    /// <inheritdoc/>
    public void Write(Span<byte> target)
    {
        Put(_magnitudes, ref target);
        Put(_energies, ref target);
        Put(_tokenCounts, ref target);
        Put(_energyTokenCounts, ref target);

        static void Put<T>(T[] numbers, ref Span<byte> target)
            where T : unmanaged
        {
            ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(numbers.AsSpan());
            bytes.CopyTo(target);
            target = target[bytes.Length..];
        }
    }

    /// <summary>Does nothing: the sums are the garbage collector's.</summary>
    public void Dispose()
    {
    }

    /// <summary>Reads what <see cref="Write"/> wrote and checks it.</summary>
    /// <param name="geometry">The cache's geometry.</param>
    /// <param name="source">As many bytes as such statistics have.</param>
    /// <param name="tokens">The tokens that they are of.</param>
    /// <exception cref="InvalidDataException">They cannot be statistics of as many tokens; the message says why.</exception>
    public static QueryStatistics Read(CacheGeometry geometry, ReadOnlySpan<byte> source, int tokens)
    {
        var statistics = new QueryStatistics(geometry);
        Take(statistics._magnitudes, ref source);
        Take(statistics._energies, ref source);
        Take(statistics._tokenCounts, ref source);
        Take(statistics._energyTokenCounts, ref source);
        return statistics.AreOf(tokens) ? statistics : throw new InvalidDataException(
            $"The query statistics of a saved cache are no sums over its {tokens} last tokens.");

        static void Take<T>(T[] numbers, ref ReadOnlySpan<byte> source)
            where T : unmanaged
        {
            Span<byte> bytes = MemoryMarshal.AsBytes(numbers.AsSpan());
            source[..bytes.Length].CopyTo(bytes);
            source = source[bytes.Length..];
        }
    }

    private bool AreOf(int tokens)
    {
        double largest = tokens * (double)float.MaxValue;
        return Array.TrueForAll(_magnitudes, sum => sum >= 0 && sum <= largest)
            && Array.TrueForAll(_tokenCounts, count => count == tokens)
            && Array.TrueForAll(_energies, sum => sum >= 0 && double.IsFinite(sum))
            && Array.TrueForAll(_energyTokenCounts, count => count >= 0 && count <= tokens);
    }

    private Span<double> Magnitudes(int layer) => _magnitudes.AsSpan(layer * _queryLength, _queryLength);

    private static Tensor ToHost(Tensor tensor)
    {
        using Tensor floats = tensor.to(ScalarType.Float32, CPU);
        return floats.contiguous();
    }

    private static ReadOnlySpan<float> Floats(Tensor host) => MemoryMarshal.Cast<byte, float>(host.bytes);
}
