using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models.Cuda;

/// <summary>A projection whose results go to memory that is there already.</summary>
/// <param name="projection">Its matrix is in the model's type; borrowed.</param>
internal sealed class DeviceProduct(Projection projection) : IDisposable
{
    private readonly Tensor _transposed = ((TensorMatrix)projection.Matrix).Weight.t().DetachFromDisposeScope();
    private readonly Tensor? _bias = projection.Bias;

    /// <summary>result = x·Wᵀ + b.</summary>
    /// <param name="input">[rows, inputs], model dtype, contiguous; borrowed.</param>
    /// <param name="result">[rows, outputs], model dtype, contiguous; overwritten.</param>
    public void Store(Tensor input, Tensor result)
    {
        if (_bias is not null)
        {
            result.copy_(_bias);
        }

        result.addmm_(input, _transposed, beta: _bias is null ? 0 : 1, alpha: 1);
    }

    /// <summary>sum += x·Wᵀ + b.</summary>
    /// <param name="input">[rows, inputs], model dtype, contiguous; borrowed.</param>
    /// <param name="sum">[rows, outputs], model dtype, contiguous; changed in place.</param>
    public void Add(Tensor input, Tensor sum)
    {
        if (_bias is not null)
        {
            sum.add_(_bias, Scalars.One);
        }

        sum.addmm_(input, _transposed, beta: 1, alpha: 1);
    }

    /// <summary>Gives the view of the matrix back.</summary>
    public void Dispose() => _transposed.Dispose();
}
