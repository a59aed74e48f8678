using System.Runtime.CompilerServices;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>Weights in signed bytes, in units of their row.</summary>
internal readonly unsafe struct Int8Weights : IWeightFormat
{
    /// <inheritdoc/>
    public static int Bytes => sizeof(sbyte);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(byte* row, nint index)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct => TLanes.LoadInt8((sbyte*)row + index);

    /// <inheritdoc/>
    public static float Load(byte* row, nint index) => ((sbyte*)row)[index];
}
