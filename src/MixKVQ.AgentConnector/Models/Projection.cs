using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>A linear map y = x·Wᵀ + b.</summary>
/// <param name="weight">[outputs, inputs], model dtype, contiguous; owned.</param>
/// <param name="bias">[outputs], model dtype, or null; owned.</param>
internal sealed class Projection(Tensor weight, Tensor? bias) : IDisposable
{
    private readonly bool _isOnCpu = weight.device_type == DeviceType.CPU;
    private readonly ScalarType _dtype = weight.dtype;

    /// <summary>[outputs, inputs], model dtype; owned by this projection.</summary>
    public Tensor Weight => weight;

    /// <param name="input">[tokens, inputs], model dtype, contiguous; borrowed.</param>
    /// <returns>[tokens, outputs], model dtype, contiguous; the caller disposes it.</returns>
    public Tensor Apply(Tensor input) => IsOneOnCpu(input) ? CpuGemv.Multiply(weight, bias, input, _dtype) : nn.functional.linear(input, weight, bias);

    /// <summary>As <see cref="Apply"/>, with a float32 result that is not rounded to the model's type where that costs nothing.</summary>
    public Tensor ApplyToFloat32(Tensor input)
    {
        if (IsOneOnCpu(input))
        {
            return CpuGemv.Multiply(weight, bias, input, ScalarType.Float32);
        }

        using var scope = NewDisposeScope();
        return Apply(input).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        weight.Dispose();
        bias?.Dispose();
    }

    private bool IsOneOnCpu(Tensor input) => _isOnCpu && input.size(0) == 1;
}
