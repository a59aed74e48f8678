using System.Globalization;
using MixKVQ.AgentConnector.Attention.Cuda;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.GpuCheck.Attention;
using MixKVQ.AgentConnector.GpuCheck.Measuring;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Prefill;

/// <summary>Attention of a chunk of 128 tokens over packed pages against libtorch's over a history in full precision.</summary>
internal static class PrefillStage
{
    private const int Chunk = CacheGeometry.PageTokens;
    private static readonly AttentionHeads Heads = new(32, 8, 128);
    private static readonly int[] PageCounts = [31, 255];

    /// <summary>Runs the stage.</summary>
    public static void Run(CheckMachine machine) => Run(machine, PageCounts);

    /// <summary>Runs the stage over histories of as many sealed pages.</summary>
    public static void Run(CheckMachine machine, IReadOnlyList<int> pageCounts)
    {
        machine.Report.Table("heads", "history", "packed, ms", "SDPA bf16, ms", "SDPA bf16 without mask, ms", "SDPA / packed", "without mask / packed");
        CacheGeometry geometry = Heads.Geometry(1, machine.Device);
        var pages = new SealedPages(geometry, new KvCacheOptions());
        using Tensor onDevice = pages.On(machine.Device);
        using var factory = new KvCacheFactory(geometry, new KvCacheOptions(), null, machine.Kernels);
        foreach (int pageCount in pageCounts)
        {
            using KvCache cache = pages.Fill(factory, onDevice, pageCount);
            int history = cache.TokenCount;
            DeviceTime packed = Packed(machine, cache), masked = Dense(machine, history, isMasked: true), open = Dense(machine, history, isMasked: false);
            machine.Report.Row(
                Heads.Name, $"{history}", packed.Text, masked.Text, open.Text,
                (masked.Median / packed.Median).ToString("F2", CultureInfo.InvariantCulture), (open.Median / packed.Median).ToString("F2", CultureInfo.InvariantCulture));
        }
    }

    private static DeviceTime Packed(CheckMachine machine, KvCache cache)
    {
        using Tensor queries = Normal(machine, Chunk, Heads.QueryHeads, Heads.HeadDim);
        using Tensor keys = Normal(machine, Chunk, Heads.KeyValueHeads, Heads.HeadDim), values = Normal(machine, Chunk, Heads.KeyValueHeads, Heads.HeadDim);
        cache.Layer(0).Append(queries, keys, values, null);
        CacheView view = cache.Layer(0).View;
        var kernel = new CudaAttention(machine.Kernels);
        return DeviceTime.Of(machine, _ => kernel.Attend(queries, view, 1 / MathF.Sqrt(Heads.HeadDim)).Dispose());
    }

    // The query heads of a group are given as if they were its tokens. A mask hides the chunk's later tokens; without it libtorch computes something else, in less time.
    private static DeviceTime Dense(CheckMachine machine, int history, bool isMasked)
    {
        using var scope = NewDisposeScope();
        int group = Heads.QueryHeads / Heads.KeyValueHeads, tokens = history + Chunk;
        Tensor queries = Normal(machine, 1, Heads.KeyValueHeads, group * Chunk, Heads.HeadDim);
        Tensor keys = Normal(machine, 1, Heads.KeyValueHeads, tokens, Heads.HeadDim), values = Normal(machine, 1, Heads.KeyValueHeads, tokens, Heads.HeadDim);
        Tensor? mask = isMasked ? ones([Chunk, tokens], ScalarType.Bool, machine.Device).tril(history).repeat(group, 1) : null;
        return DeviceTime.Of(machine, _ => nn.functional.scaled_dot_product_attention(queries, keys, values, mask).Dispose());
    }

    private static Tensor Normal(CheckMachine machine, params long[] shape) => empty(shape, ScalarType.BFloat16, machine.Device).normal_();
}
