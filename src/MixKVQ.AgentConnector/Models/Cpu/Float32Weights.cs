using System.Runtime.CompilerServices;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>Weights in float32.</summary>
internal readonly unsafe struct Float32Weights : IWeightFormat
{
    /// <inheritdoc/>
    public static int Bytes => sizeof(float);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(byte* row, nint index)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct => TLanes.Load((float*)row + index);

    /// <inheritdoc/>
    public static float Load(byte* row, nint index) => ((float*)row)[index];
}
