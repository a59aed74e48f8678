using MixKVQ.AgentConnector.Attention;
using MixKVQ.AgentConnector.Attention.Cuda;
using MixKVQ.AgentConnector.Benchmarks.Measuring;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Parity;

/// <summary>Attention's kernels against the plain reference on the CPU, over the same pages.</summary>
internal static class AttentionParity
{
    /// <summary>Attention of one token of each of several conversations at once, in each layer.</summary>
    public static Difference OfDecoding(CheckMachine machine, AttentionCase item)
    {
        using var scope = NewDisposeScope();
        CacheGeometry geometry = item.Geometry;
        using var tokens = new OutlierTokens(geometry);
        using var onCpu = new KvCacheFactory(geometry, item.Options);
        using var onDevice = new KvCacheFactory(geometry with { Device = machine.Device }, item.Options, null, machine.Kernels);
        PairedCaches[] pairs = [.. item.Lengths.Select(length => new PairedCaches(tokens, onCpu, onDevice, length - 1))];
        Tensor[] asked = [.. pairs.Select((pair, index) => pair.Append(1).to(ScalarType.Float32) * (1 + (0.1 * index)))];
        using var table = new SequenceTable(machine.Device, [.. pairs.Select(pair => pair.Device)]);

        int width = geometry.QueryHeadCount * geometry.HeadDim;
        float scale = 1 / MathF.Sqrt(geometry.HeadDim);
        Tensor queries = cat(asked, 0).reshape(pairs.Length, width).to(machine.Device);
        Tensor output = empty([pairs.Length, width], geometry.DType, machine.Device);
        using var kernel = new DecodeAttention(machine.Kernels, onDevice.Layout);
        var oracle = new ReferenceAttention();
        var worst = new Difference(0, 0);
        for (int layer = 0; layer < geometry.LayerCount; layer++)
        {
            kernel.Attend(
                table.Address, pairs.Length, table.LargestPageCount, TensorMemory.DataPointer(queries), width, TensorMemory.DataPointer(output), layer, scale);
            for (int i = 0; i < pairs.Length; i++)
            {
                worst = worst.Or(Difference.Of(oracle.Attend(asked[i], pairs[i].Cpu.Layer(layer).View, scale), output[i]));
            }
        }

        Array.ForEach(pairs, pair => pair.Dispose());
        GC.KeepAlive(queries);
        return worst;
    }

    /// <summary>Attention of chunks after histories, in the second layer.</summary>
    /// <param name="machine">Where.</param>
    /// <param name="item">The shapes; its lengths do not count.</param>
    /// <param name="before">Tokens of the history.</param>
    /// <param name="chunk">Tokens of the chunk, up to the page's border at most.</param>
    public static Difference OfPrefill(CheckMachine machine, AttentionCase item, int before, int chunk)
    {
        using var scope = NewDisposeScope();
        CacheGeometry geometry = item.Geometry;
        using var tokens = new OutlierTokens(geometry);
        using var onCpu = new KvCacheFactory(geometry, item.Options);
        using var onDevice = new KvCacheFactory(geometry with { Device = machine.Device }, item.Options, null, machine.Kernels);
        using var pair = new PairedCaches(tokens, onCpu, onDevice, before);
        Tensor queries = pair.Append(chunk);
        int layer = geometry.LayerCount - 1;
        float scale = 1 / MathF.Sqrt(geometry.HeadDim);
        Tensor expected = new ReferenceAttention().Attend(queries.to(ScalarType.Float32), pair.Cpu.Layer(layer).View, scale);
        return Difference.Of(expected, new CudaAttention(machine.Kernels).Attend(queries.to(machine.Device), pair.Device.Layer(layer).View, scale));
    }
}
