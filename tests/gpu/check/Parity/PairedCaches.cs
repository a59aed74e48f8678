using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Cache;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Parity;

/// <summary>The same conversation in a cache on the CPU and in one on the device: the same pages, bit by bit, and a step under way that is given to both.</summary>
internal sealed class PairedCaches : IDisposable
{
    private readonly OutlierTokens _tokens;
    private readonly CacheGeometry _geometry;

    /// <param name="tokens">What the caches hold; borrowed.</param>
    /// <param name="onCpu">Makes the cache on the CPU; borrowed.</param>
    /// <param name="onDevice">Makes the other; borrowed.</param>
    /// <param name="before">Tokens held before the step.</param>
    public PairedCaches(OutlierTokens tokens, KvCacheFactory onCpu, KvCacheFactory onDevice, int before)
    {
        (_tokens, _geometry) = (tokens, onDevice.Geometry);
        Cpu = onCpu.Create();
        tokens.Fill(Cpu, before, _geometry.LayerCount);
        using CacheImage image = Cpu.Export();
        Device = onDevice.Import(new CacheImage(image.TokenCount, image.Sinks, image.Open, [.. image.Pages.Select(page => onDevice.ReadPage(page.Bytes))]));
    }

    /// <summary>The cache on the CPU.</summary>
    public KvCache Cpu { get; }

    /// <summary>The cache on the device.</summary>
    public KvCache Device { get; }

    /// <summary>Appends a step to both, which is not completed.</summary>
    /// <param name="count">Tokens, at most up to the page's border and at most a page.</param>
    /// <returns>The step's queries on the CPU, [tokens, queryHeads, headDim]; the caller's.</returns>
    public Tensor Append(int count)
    {
        for (int layer = 0; layer < _geometry.LayerCount; layer++)
        {
            using var scope = NewDisposeScope();
            (Tensor queries, Tensor keys, Tensor values) = _tokens.Page(layer, count);
            Cpu.Layer(layer).Append(queries, keys, values, null);
            Device.Layer(layer).Append(queries.to(_geometry.Device), keys.to(_geometry.Device), values.to(_geometry.Device), null);
        }

        return _tokens.Queries(count);
    }

    public void Dispose()
    {
        Cpu.Dispose();
        Device.Dispose();
    }
}
