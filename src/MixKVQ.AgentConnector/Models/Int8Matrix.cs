using MixKVQ.AgentConnector.Models.Cpu;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>
/// A matrix in int8 with one unit a row, on the CPU. What needs tensors (products of many tokens) dequantizes a block of rows at a time.
/// </summary>
internal sealed unsafe class Int8Matrix : IModelMatrix
{
    // Elements of a block: stays in the cache between being written and being read.
    private const int BlockElements = 1 << 20;

    private readonly Tensor _codes;
    private readonly float[] _units;
    private readonly ScalarType _dtype;
    private readonly WorkerTeam _team;
    private readonly FloatRows _lines;

    /// <param name="outputs">Rows.</param>
    /// <param name="inputs">Weights of a row.</param>
    /// <param name="dtype">The model's type.</param>
    /// <param name="team">Shares quantizing and dequantizing; borrowed.</param>
    public Int8Matrix(int outputs, int inputs, ScalarType dtype, WorkerTeam team)
    {
        _codes = empty(outputs, inputs, dtype: ScalarType.Int8).DetachFromDisposeScope();
        LargePages.Advise(TensorMemory.DataPointer(_codes), (long)outputs * inputs);
        _units = new float[outputs];
        _dtype = dtype;
        _team = team;
        _lines = new FloatRows(inputs);
        _lines.Reserve(team.Size);
        Outputs = outputs;
        Inputs = inputs;
    }

    private int Outputs { get; }

    private int Inputs { get; }

    /// <summary>Quantizes rows.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="values">[rows, inputs], float32 or bfloat16, contiguous; borrowed.</param>
    /// <param name="name">The weight's, for messages.</param>
    /// <exception cref="InvalidDataException">A value is NaN or infinite.</exception>
    public void Write(int first, Tensor values, string name)
    {
        var source = new CpuRows(values);
        new RowJob((row, worker) =>
        {
            Span<float> line = _lines.Span(worker);
            source.Read((long)row * Inputs, line);
            float unit = Int8Rows.Quantize(line, Codes(first + row));
            _units[first + row] = float.IsFinite(unit) ? unit : throw new InvalidDataException(
                $"Row {row} of {name} holds NaN or an infinity, which has no 8-bit form; check the checkpoint, or load it with {nameof(WeightPrecision)}.{nameof(WeightPrecision.Checkpoint)}.");
        }).Run(_team, (int)values.size(0));
        GC.KeepAlive(values);
    }

    /// <inheritdoc/>
    public Tensor Rows(Tensor ids)
    {
        long[] rows = ids.data<long>().ToArray();
        Tensor result = empty(rows.Length, Inputs, dtype: _dtype);
        Dequantize(result, row => (int)rows[row]);
        return result;
    }

    /// <inheritdoc/>
    public void ReadRow(int row, Span<float> values) => Int8Rows.Dequantize(Codes(row), _units[row], values);

    /// <inheritdoc/>
    public Tensor Multiply(Tensor input, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        int blockRows = Math.Min(Outputs, Math.Max(16, BlockElements / Inputs));
        Tensor block = empty(blockRows, Inputs, dtype: _dtype);
        Tensor result = empty(input.size(0), Outputs, dtype: _dtype);
        for (int first = 0; first < Outputs; first += blockRows)
        {
            using var step = NewDisposeScope();
            int start = first;
            Tensor rows = block.narrow(0, 0, Math.Min(blockRows, Outputs - first));
            Dequantize(rows, row => start + row);
            result.narrow(1, first, rows.size(0)).copy_(nn.functional.linear(input, rows, bias?.narrow(0, first, rows.size(0))));
        }

        return result.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public Tensor ColumnEnergies()
    {
        double[] sums = new double[Inputs];
        Span<float> line = _lines.Span(0);
        for (int row = 0; row < Outputs; row++)
        {
            Int8Rows.Dequantize(Codes(row), _units[row], line);
            for (int i = 0; i < line.Length; i++)
            {
                sums[i] += (double)line[i] * line[i];
            }
        }

        return tensor(sums, ScalarType.Float32);
    }

    /// <inheritdoc/>
    public WeightMatrix OnCpu(Tensor? bias) => new(
        (byte*)TensorMemory.DataPointer(_codes), WeightFormat.Int8, Outputs, Inputs, _units, CpuRows.ToArray(bias));

    public void Dispose() => _codes.Dispose();

    private Span<sbyte> Codes(int row) => new((sbyte*)TensorMemory.DataPointer(_codes) + ((long)row * Inputs), Inputs);

    private void Dequantize(Tensor target, Func<int, int> rowOf)
    {
        var rows = new CpuRows(target);
        new RowJob((row, worker) =>
        {
            int from = rowOf(row);
            Span<float> line = _lines.Span(worker);
            Int8Rows.Dequantize(Codes(from), _units[from], line);
            rows.Write((long)row * Inputs, line);
        }).Run(_team, (int)target.size(0));
        GC.KeepAlive(target);
    }
}
