using MixKVQ.AgentConnector.Attention.Cuda;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.GpuCheck.Measuring;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Attention;

/// <summary>Times this library's kernel over packed caches.</summary>
/// <param name="machine">Where.</param>
/// <param name="layout">How pages are laid out; one layer.</param>
/// <param name="batch">The caches; borrowed.</param>
/// <param name="conversations">Conversations of a copy.</param>
internal sealed class PackedAttentionRun(CheckMachine machine, PackedPageLayout layout, PackedBatch batch, int conversations)
{
    /// <summary>Milliseconds of attention of one token of each conversation in one layer.</summary>
    public DeviceTime Measure()
    {
        CacheGeometry geometry = layout.Geometry;
        int width = geometry.QueryHeadCount * geometry.HeadDim;
        using Tensor queries = empty([conversations, width], ScalarType.Float32, machine.Device).normal_();
        using Tensor output = empty([conversations, width], geometry.DType, machine.Device);
        nint asked = TensorMemory.DataPointer(queries), answered = TensorMemory.DataPointer(output);
        float scale = 1 / MathF.Sqrt(geometry.HeadDim);
        using var kernel = new DecodeAttention(machine.Kernels, layout);
        var time = DeviceTime.Of(machine, turn => kernel.Attend(batch.Sequences(turn), conversations, batch.PageCount, asked, width, answered, 0, scale));
        GC.KeepAlive(queries);
        GC.KeepAlive(output);
        return time;
    }
}
