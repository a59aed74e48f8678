using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Cache;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Parity;

/// <summary>Pages sealed on the device against those sealed on the CPU of the same tokens.</summary>
internal static class SealingParity
{
    /// <summary>
    /// Seals a page of each, whose statistics both gathered themselves. Sums in another order may move a width now and then, so what counts is how far the pages' keys
    /// and values are from the tokens'.
    /// </summary>
    /// <returns>The share of the pages' bytes that differ, and the device's mean squared error over the CPU's.</returns>
    public static (double BytesThatDiffer, double ErrorRatio) Compare(CheckMachine machine, AttentionCase item)
    {
        using var scope = NewDisposeScope();
        CacheGeometry geometry = item.Geometry;
        using var tokens = new OutlierTokens(geometry);
        using var onCpu = new KvCacheFactory(geometry, item.Options);
        using var onDevice = new KvCacheFactory(geometry with { Device = machine.Device }, item.Options, null, machine.Kernels);
        using var pair = new PairedCaches(tokens, onCpu, onDevice, CacheGeometry.SinkTokens);
        pair.Append(CacheGeometry.PageTokens);
        pair.Cpu.CompleteStep();
        pair.Device.CompleteStep();

        byte[] expected = pair.Cpu.Pages[0].Read().ToArray(), actual = pair.Device.Pages[0].Read().ToArray();
        int differ = expected.Length == actual.Length ? expected.Zip(actual, (a, b) => a == b ? 0 : 1).Sum() : expected.Length;
        (double cpuError, double deviceError) = (0, 0);
        for (int layer = 0; layer < geometry.LayerCount; layer++)
        {
            (_, Tensor keys, Tensor values) = tokens.Page(layer, CacheGeometry.PageTokens);
            cpuError += Error(pair.Cpu, layer, keys, values, onCpu);
            deviceError += Error(pair.Device, layer, keys, values, onDevice);
        }

        return ((double)differ / expected.Length, cpuError == 0 ? 1 + deviceError : deviceError / cpuError);
    }

    private static double Error(KvCache cache, int layer, Tensor keys, Tensor values, KvCacheFactory factory)
    {
        (Tensor pageKeys, Tensor pageValues, _) = new PageDequantizer(factory.Layout).Dequantize(cache.Pages[0], layer, CPU);
        return Squares(pageKeys, keys) + Squares(pageValues, values);

        // [heads, tokens, headDim] against [tokens, heads, headDim], errors in shares of each head's size.
        static double Squares(Tensor actual, Tensor wanted)
        {
            Tensor exact = wanted.to(ScalarType.Float32).transpose(0, 1);
            return ((actual - exact).square().sum() / exact.square().sum()).item<float>();
        }
    }
}
