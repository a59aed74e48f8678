using MixKVQ.AgentConnector.GpuCheck.Measuring;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Attention;

/// <summary>The same in full precision, for libtorch's attention, in the forms that it can be asked for without copying keys and values.</summary>
internal sealed class DenseBatch : IDisposable
{
    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;
    private readonly Tensor _grouped;
    private readonly Tensor _byHead;

    /// <param name="device">Where.</param>
    /// <param name="heads">The heads.</param>
    /// <param name="conversations">Conversations of a copy.</param>
    /// <param name="tokens">Tokens of each.</param>
    /// <param name="coldBytes">What all copies together hold at least.</param>
    public DenseBatch(Device device, AttentionHeads heads, int conversations, int tokens, long coldBytes)
    {
        int copies = (int)Math.Max(1, (coldBytes + BytesOf(heads, conversations, tokens) - 1) / BytesOf(heads, conversations, tokens));
        long[] shape = [conversations, heads.KeyValueHeads, tokens, heads.HeadDim];
        _keys = [.. Enumerable.Range(0, copies).Select(_ => empty(shape, ScalarType.BFloat16, device).normal_())];
        _values = [.. Enumerable.Range(0, copies).Select(_ => empty(shape, ScalarType.BFloat16, device).normal_())];
        _grouped = empty([conversations, heads.KeyValueHeads, heads.QueryHeads / heads.KeyValueHeads, heads.HeadDim], ScalarType.BFloat16, device).normal_();
        _byHead = _grouped.view(conversations, heads.QueryHeads, 1, heads.HeadDim);
    }

    /// <summary>Bytes of keys and values.</summary>
    public static long BytesOf(AttentionHeads heads, int conversations, int tokens) => 4L * conversations * tokens * heads.KeyValueHeads * heads.HeadDim;

    /// <summary>The query heads of a group given as if they were its tokens.</summary>
    public void AttendGrouped(int turn)
    {
        using Tensor output = TorchAttention.Chosen(_grouped, _keys[turn % _keys.Length], _values[turn % _keys.Length]);
    }

    /// <summary>libtorch told that query heads share key heads.</summary>
    public void AttendShared(int turn)
    {
        using Tensor output = TorchDispatcher.GroupedAttention(_byHead, _keys[turn % _keys.Length], _values[turn % _keys.Length]);
    }

    /// <summary>The query heads of a group given as if they were its tokens, by FlashAttention.</summary>
    public void AttendFlash(int turn)
    {
        using Tensor output = TorchAttention.Flash(_grouped, _keys[turn % _keys.Length], _values[turn % _keys.Length]);
    }

    public void Dispose()
    {
        foreach (Tensor tensor in _keys.Concat(_values))
        {
            tensor.Dispose();
        }

        _grouped.Dispose();
        _byHead.Dispose();
    }
}
