using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models.Cuda;

/// <summary>The small operations on a kernel device, each one launch. Tested against <see cref="TorchPointwise"/>.</summary>
/// <param name="device">Compiles and runs them; tensors are its own.</param>
/// <param name="config">The model's shape.</param>
/// <param name="dtype">The model's type: float32 or bfloat16.</param>
internal sealed class CudaPointwise(IKernelDevice device, ModelConfig config, ScalarType dtype) : IPointwiseKernels
{
    private readonly PointwiseKernels _rows = new(device, dtype);
    private readonly HeadKernels _heads = new(device, config, dtype);

    /// <inheritdoc/>
    public Tensor RmsNorm(Tensor rows, Tensor weight, float epsilon)
    {
        Tensor result = empty_like(rows);
        _rows.RmsNorm(Address(rows), Address(weight), epsilon, Address(result), (int)rows.size(0), (int)rows.size(1));
        return result;
    }

    /// <inheritdoc/>
    public Tensor NormAndRotate(Tensor heads, Tensor? weight, float epsilon, Tensor rotation)
    {
        var arguments = new HeadKernels.RotateArguments
        {
            Heads = Address(heads),
            TokenStride = heads.stride(0),
            Weight = weight is null ? 0 : Address(weight),
            Rotations = Address(rotation),
            HeadCount = (int)heads.size(1),
            Epsilon = epsilon,
        };
        _heads.NormAndRotate(arguments, (int)heads.size(0));
        return heads;
    }

    /// <inheritdoc/>
    public Tensor SiluGate(Tensor gateAndUp)
    {
        int width = (int)(gateAndUp.size(1) / 2);
        Tensor result = empty(gateAndUp.size(0), width, dtype: gateAndUp.dtype, device: gateAndUp.device);
        _rows.SiluGate(Address(gateAndUp), Address(result), (int)gateAndUp.size(0), width);
        return result;
    }

    // Memory that a tensor gives back is used again in the order of the device's work: a launch that is still to run reads it in time.
    private static nint Address(Tensor tensor) => TensorMemory.DataPointer(tensor);
}
