using MixKVQ.AgentConnector.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>Makes the model's tensors from a checkpoint's weights, each read once; all are the caller's to dispose.</summary>
/// <param name="source">Where the weights come from; borrowed.</param>
/// <param name="device">Where the tensors go.</param>
/// <param name="dtype">Type of matrices and biases.</param>
internal sealed class WeightReader(IWeightSource source, Device device, ScalarType dtype)
{
    /// <summary>[rows, columns] in the model's type.</summary>
    public Tensor ReadMatrix(string name, int rows, int columns) => Read(name, [rows, columns], dtype);

    /// <summary>[length], float32: a norm's weight.</summary>
    public Tensor ReadVector(string name, int length) => Read(name, [length], ScalarType.Float32);

    /// <summary>Projections of one input, stacked so that one matrix product serves all.</summary>
    /// <param name="inputSize">Columns of each.</param>
    /// <param name="parts">Their names without <c>.weight</c> and <c>.bias</c>, outputs, and an optional change in float32 before rounding.</param>
    /// <param name="hasBias">Whether each has a bias.</param>
    public Projection ReadProjection(int inputSize, bool hasBias, params ReadOnlySpan<ProjectionPart> parts)
    {
        int outputs = 0;
        foreach (ProjectionPart part in parts)
        {
            outputs += part.OutputSize;
        }

        Tensor weight = New([outputs, inputSize], dtype);
        Tensor? bias = hasBias ? New([outputs], dtype) : null;
        int first = 0;
        foreach (ProjectionPart part in parts)
        {
            ReadPart($"{part.Name}.weight", weight, first, part);
            if (bias is not null)
            {
                ReadPart($"{part.Name}.bias", bias, first, part);
            }

            first += part.OutputSize;
        }

        return new Projection(weight, bias);
    }

    private void ReadPart(string name, Tensor whole, int first, ProjectionPart part)
    {
        using var scope = NewDisposeScope();
        Tensor target = whole.narrow(0, first, part.OutputSize);
        if (part.Change is null)
        {
            source.Read(name, target);
            return;
        }

        Tensor exact = empty(target.shape, ScalarType.Float32, device);
        source.Read(name, exact);
        target.copy_(part.Change(exact));
    }

    private Tensor Read(string name, long[] shape, ScalarType type)
    {
        Tensor tensor = New(shape, type);
        source.Read(name, tensor);
        return tensor;
    }

    private Tensor New(long[] shape, ScalarType type) => empty(shape, type, device).DetachFromDisposeScope();
}
