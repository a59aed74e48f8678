using MixKVQ.AgentConnector.GpuCheck.Measuring;

namespace MixKVQ.AgentConnector.GpuCheck.Attention;

/// <summary>What attention of one token of each of several conversations took.</summary>
/// <param name="Context">Tokens of each.</param>
/// <param name="Conversations">Conversations.</param>
/// <param name="PackedBytes">Bytes of the packed caches that have to be read.</param>
/// <param name="Packed">Over packed pages.</param>
/// <param name="Grouped">libtorch's, the query heads of a group as if they were tokens; null where its cache has no room.</param>
/// <param name="Shared">libtorch's, told that query heads share key heads; null where it refuses.</param>
/// <param name="Flash">libtorch's FlashAttention, the query heads of a group as if they were tokens; null where its cache has no room.</param>
internal sealed record AttentionCell(
    int Context, int Conversations, long PackedBytes, DeviceTime Packed, DeviceTime? Grouped, DeviceTime? Shared, DeviceTime? Flash)
{
    /// <summary>Packed bytes read a millisecond.</summary>
    public double BytesAMillisecond => PackedBytes / Packed.Median;

    /// <summary>The rival's best time over the packed; null where it has no room.</summary>
    public double? OverRival => Grouped is null ? null : new[] { Grouped, Shared, Flash }.Min(time => time?.Median ?? double.PositiveInfinity) / Packed.Median;
}
