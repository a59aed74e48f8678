using MixKVQ.AgentConnector.Native;

namespace MixKVQ.AgentConnector.Models.Cuda;

/// <summary>A layer's weights as decode steps on a device use them.</summary>
/// <param name="layer">Borrowed.</param>
internal sealed class CudaLayer(DecoderLayer layer) : IDisposable
{
    /// <summary>Queries stacked on keys stacked on values.</summary>
    public DeviceProduct QueryKeyValue { get; } = new(layer.Attention.QueryKeyValue);

    /// <summary>Back to the residual stream.</summary>
    public DeviceProduct Output { get; } = new(layer.Attention.Output);

    /// <summary>Gate stacked on up.</summary>
    public DeviceProduct GateAndUp { get; } = new(layer.Mlp.GateAndUp);

    /// <summary>Back to the residual stream.</summary>
    public DeviceProduct Down { get; } = new(layer.Mlp.Down);

    /// <summary>Address of the weight of the norm before attention.</summary>
    public nint InputNorm { get; } = AddressOf(layer.InputNorm);

    /// <summary>Address of the weight of the norm before the MLP.</summary>
    public nint PostAttentionNorm { get; } = AddressOf(layer.PostAttentionNorm);

    /// <summary>Address of the weight of each query head's norm; 0 where there is none.</summary>
    public nint QueryNorm { get; } = AddressOf(layer.Attention.QueryNorm);

    /// <summary>Address of the weight of each key head's norm; 0 where there is none.</summary>
    public nint KeyNorm { get; } = AddressOf(layer.Attention.KeyNorm);

    /// <summary>Gives the views of the weights back.</summary>
    public void Dispose()
    {
        QueryKeyValue.Dispose();
        Output.Dispose();
        GateAndUp.Dispose();
        Down.Dispose();
    }

    private static nint AddressOf(RmsNorm? norm) => norm is null ? 0 : TensorMemory.DataPointer(norm.Weight);
}
