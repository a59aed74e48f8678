using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>Makes the model's tensors from a checkpoint's weights, each read once; all are the caller's to dispose.</summary>
/// <param name="source">Where the weights come from; borrowed.</param>
/// <param name="device">Where the tensors go.</param>
/// <param name="dtype">Type of matrices and biases.</param>
/// <param name="precision">How matrices that are multiplied by are held.</param>
/// <param name="team">Shares the work of quantized matrices; borrowed.</param>
internal sealed class WeightReader(IWeightSource source, Device device, ScalarType dtype, WeightPrecision precision, WorkerTeam team)
{
    /// <summary>[rows, columns] of which rows are picked; in the model's type unless it is multiplied by as well.</summary>
    public IModelMatrix ReadTable(string name, int rows, int columns, bool isMultiplied)
    {
        IModelMatrix table = isMultiplied ? NewMatrix(rows, columns) : new TensorMatrix(New([rows, columns], dtype));
        ReadRows(name, table, 0, [rows, columns], null);
        return table;
    }

    /// <summary>[length], float32: a norm's weight.</summary>
    public Tensor ReadVector(string name, int length)
    {
        Tensor vector = New([length], ScalarType.Float32);
        source.Read(name, vector);
        return vector;
    }

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

        IModelMatrix matrix = NewMatrix(outputs, inputSize);
        Tensor? bias = hasBias ? New([outputs], dtype) : null;
        int first = 0;
        foreach (ProjectionPart part in parts)
        {
            ReadRows($"{part.Name}.weight", matrix, first, [part.OutputSize, inputSize], part.Change);
            if (bias is not null)
            {
                using Tensor target = bias.narrow(0, first, part.OutputSize);
                ReadInto($"{part.Name}.bias", target, part.Change);
            }

            first += part.OutputSize;
        }

        return new Projection(matrix, bias);
    }

    private void ReadRows(string name, IModelMatrix matrix, int first, long[] shape, Func<Tensor, Tensor>? change)
    {
        using var scope = NewDisposeScope();
        if (matrix is Int8Matrix quantized)
        {
            Tensor values = empty(shape, change is null ? dtype : ScalarType.Float32, device);
            ReadInto(name, values, change);
            quantized.Write(first, values, name);
        }
        else
        {
            ReadInto(name, ((TensorMatrix)matrix).Weight.narrow(0, first, shape[0]), change);
        }
    }

    private void ReadInto(string name, Tensor target, Func<Tensor, Tensor>? change)
    {
        if (change is null)
        {
            source.Read(name, target);
            return;
        }

        using var scope = NewDisposeScope();
        Tensor exact = empty(target.shape, ScalarType.Float32, device);
        source.Read(name, exact);
        target.copy_(change(exact));
    }

    private IModelMatrix NewMatrix(int rows, int columns) => precision == WeightPrecision.EightBit
        ? new Int8Matrix(rows, columns, dtype, team)
        : new TensorMatrix(New([rows, columns], dtype));

    private Tensor New(long[] shape, ScalarType type)
    {
        Tensor tensor = empty(shape, type, device).DetachFromDisposeScope();
        if (device.type == DeviceType.CPU)
        {
            LargePages.Advise(TensorMemory.DataPointer(tensor), tensor.numel() * tensor.element_size());
        }

        return tensor;
    }
}
