using System.Runtime.CompilerServices;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>Weights in bfloat16, the upper half of a float32.</summary>
internal readonly unsafe struct BFloat16Weights : IWeightFormat
{
    /// <inheritdoc/>
    public static int Bytes => sizeof(ushort);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TLanes, TVector>(byte* row, nint index)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct => TLanes.LoadBFloat16((ushort*)row + index);

    /// <inheritdoc/>
    public static float Load(byte* row, nint index) => BitConverter.UInt32BitsToSingle((uint)((ushort*)row)[index] << 16);
}
