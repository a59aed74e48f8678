using MixKVQ.AgentConnector.Attention.Cuda;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using MixKVQ.AgentConnector.Threading;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models.Cuda;

/// <summary>
/// One token of each of several conversations through the model on a kernel device. A step uploads one table, then only asks for work, and waits once: for the
/// logits. All memory is taken when a batch is larger than any before. One batch at a time.
/// </summary>
internal sealed class CudaDecoder : IDecoder, IDisposable
{
    private readonly ModelConfig _config;
    private readonly DecoderParts _parts;
    private readonly IKernelDevice _kernels;
    private readonly PointwiseKernels _pointwise;
    private readonly HeadKernels _heads;
    private readonly DecodeAttentions _attentions;
    private readonly CudaLayer[] _layers;
    private readonly DeviceProduct _output;
    private readonly nint _table;
    private readonly StepTable _step;
    private readonly DecodeRows _rows;
    private readonly LogitRows _logits;

    /// <param name="config">The model's shape.</param>
    /// <param name="parts">The model's weights, on <paramref name="device"/>; borrowed.</param>
    /// <param name="dtype">The model's type.</param>
    /// <param name="device">Where the tensors of <paramref name="kernels"/> lie.</param>
    /// <param name="kernels">Borrowed.</param>
    /// <param name="team">Shares the host's work; borrowed.</param>
    public CudaDecoder(ModelConfig config, DecoderParts parts, ScalarType dtype, Device device, IKernelDevice kernels, WorkerTeam team)
    {
        _config = config;
        _parts = parts;
        _kernels = kernels;
        _pointwise = new PointwiseKernels(kernels, dtype);
        _heads = new HeadKernels(kernels, config, dtype);
        _attentions = new DecodeAttentions(kernels);
        _layers = [.. parts.Layers.Select(layer => new CudaLayer(layer))];
        _output = new DeviceProduct(parts.Output);
        _table = TensorMemory.DataPointer(((TensorMatrix)parts.Embedding).Weight);
        _step = new StepTable(kernels, device);
        _rows = new DecodeRows(config, dtype, device);
        _logits = new LogitRows(config.VocabularySize, dtype, device, team);
    }

    /// <inheritdoc/>
    public void Run(ReadOnlySpan<DecodeInput> inputs, Span<Exception?> failures)
    {
        _step.Begin(inputs, failures);
        if (_step.Count == 0)
        {
            return;
        }

        using IDisposable noGradients = no_grad();
        _rows.Take(_step.Count);
        _pointwise.Embed(_table, _step.Ids, _rows.Hidden.Address, _step.Count, _config.HiddenSize);
        DecodeAttention attention = _attentions.For(inputs[_step.Input(0)].Cache.Layer(0).View);
        nint rotations = _parts.Rotary.Address(_step.LastPosition);
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            RunLayer(layer, attention, rotations);
        }

        bool wantsLogits = false;
        for (int row = 0; row < _step.Count; row++)
        {
            wantsLogits |= !inputs[_step.Input(row)].Logits.IsEmpty;
        }

        if (wantsLogits)
        {
            Normalize(TensorMemory.DataPointer(_parts.FinalNorm.Weight));
            _output.Store(_rows.Normed.Rows, _rows.Logits.Rows);
        }

        for (int row = 0; row < _step.Count; row++)
        {
            failures[_step.Input(row)] = Complete(inputs[_step.Input(row)].Cache);
        }

        if (wantsLogits)
        {
            _logits.Deliver(_kernels, _rows.Logits.Address, _step, inputs);
        }
    }

    /// <summary>Gives scratch memory back.</summary>
    public void Dispose()
    {
        foreach (CudaLayer layer in _layers)
        {
            layer.Dispose();
        }

        _attentions.Dispose();
        _output.Dispose();
        _step.Dispose();
        _rows.Dispose();
        _logits.Dispose();
    }

    private void RunLayer(int index, DecodeAttention attention, nint rotations)
    {
        CudaLayer layer = _layers[index];
        int count = _step.Count;
        Normalize(layer.InputNorm);
        layer.QueryKeyValue.Store(_rows.Normed.Rows, _rows.Projected.Rows);
        _heads.Append(
            new HeadKernels.AppendArguments
            {
                Projected = _rows.Projected.Address,
                QueryNorm = layer.QueryNorm,
                KeyNorm = layer.KeyNorm,
                Rotations = rotations,
                Hidden = _rows.Hidden.Address,
                Queries = _rows.Queries.Address,
                Sequences = _step.Sequences,
                Layer = index,
                HiddenWidth = _config.HiddenSize,
                Epsilon = (float)_config.RmsNormEpsilon,
            },
            count);
        attention.Attend(
            _step.Sequences, count, _step.LargestPageCount, _rows.Queries.Address, _config.QueryHeadCount * _config.HeadDim, _rows.Attended.Address, index,
            _parts.Layers[index].Attention.Scale);
        layer.Output.Add(_rows.Attended.Rows, _rows.Hidden.Rows);
        Normalize(layer.PostAttentionNorm);
        layer.GateAndUp.Store(_rows.Normed.Rows, _rows.GateAndUp.Rows);
        _pointwise.SiluGate(_rows.GateAndUp.Address, _rows.Inner.Address, count, _config.IntermediateSize);
        layer.Down.Add(_rows.Inner.Rows, _rows.Hidden.Rows);
    }

    private void Normalize(nint weight) =>
        _pointwise.RmsNorm(_rows.Hidden.Address, weight, (float)_config.RmsNormEpsilon, _rows.Normed.Address, _step.Count, _config.HiddenSize);

    private static Exception? Complete(KvCache cache)
    {
        try
        {
            cache.CompleteStep();
            return null;
        }
        catch (Exception exception) when (exception is not CudaException)
        {
            // Whatever went wrong is this conversation's alone; a device that failed fails for all.
            return exception;
        }
    }
}
