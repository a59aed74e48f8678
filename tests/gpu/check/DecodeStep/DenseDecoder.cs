using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.DecodeStep;

/// <summary>
/// The rival: the same model with a cache in bf16 that has its place from the start, libtorch's attention over it, and the same products and fused small operations.
/// Weights are random and lent to as many batches as come; the cache is random, too.
/// </summary>
internal sealed class DenseDecoder : IDisposable
{
    private readonly CheckMachine _machine;
    private readonly ModelConfig _config;
    private readonly CudaPointwise _pointwise;
    private readonly List<Tensor> _owned = [];
    private readonly DenseLayer[] _layers;
    private readonly Tensor _embedding;
    private readonly Tensor _output;
    private readonly Tensor _norm;
    private readonly Tensor _rotation;
    private readonly List<Tensor> _caches = [];

    /// <param name="machine">Where.</param>
    /// <param name="config">The shape.</param>
    public DenseDecoder(CheckMachine machine, ModelConfig config)
    {
        (_machine, _config) = (machine, config);
        _pointwise = new CudaPointwise(machine.Kernels, config, ScalarType.BFloat16);
        int queryWidth = config.QueryHeadCount * config.HeadDim, keyWidth = config.KeyValueHeadCount * config.HeadDim;
        _layers = [.. Enumerable.Range(0, config.LayerCount).Select(_ => new DenseLayer(
            Matrix(queryWidth + (2 * keyWidth), config.HiddenSize), Matrix(config.HiddenSize, queryWidth),
            Matrix(2 * config.IntermediateSize, config.HiddenSize), Matrix(config.HiddenSize, config.IntermediateSize)))];
        _embedding = Matrix(config.VocabularySize, config.HiddenSize);
        _output = Matrix(config.VocabularySize, config.HiddenSize);
        _norm = Keep(ones([config.HiddenSize], ScalarType.Float32, machine.Device));
        // Which angles does not matter to the time.
        _rotation = Keep(ones([config.HeadDim], ScalarType.Float32, machine.Device));
    }

    /// <summary>Takes the cache of a batch; the one before it is given back first.</summary>
    /// <param name="conversations">Conversations.</param>
    /// <param name="capacity">Tokens of each to have room for.</param>
    /// <exception cref="System.Runtime.InteropServices.ExternalException">There is no room for it.</exception>
    public void Take(int conversations, int capacity)
    {
        Release();
        long[] shape = [conversations, _config.KeyValueHeadCount, capacity, _config.HeadDim];
        for (int i = 0; i < 2 * _config.LayerCount; i++)
        {
            _caches.Add(empty(shape, ScalarType.BFloat16, _machine.Device));
            _caches[^1].normal_();
        }
    }

    /// <summary>One token of each conversation.</summary>
    /// <param name="ids">[conversations], on the device.</param>
    /// <param name="position">The token's position; the cache holds all before it.</param>
    /// <param name="attention">libtorch's attention: queries, keys, values.</param>
    /// <returns>[conversations, vocabulary] in bf16 on the host, the caller's.</returns>
    public Tensor Decode(Tensor ids, int position, Func<Tensor, Tensor, Tensor, Tensor> attention)
    {
        using var scope = NewDisposeScope();
        float epsilon = (float)_config.RmsNormEpsilon;
        int count = (int)ids.shape[0];
        Tensor hidden = _embedding.index_select(0, ids);
        Tensor rotations = _rotation.unsqueeze(0).expand(count, -1).contiguous();
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            using var layerScope = NewDisposeScope();
            DenseLayer weights = _layers[layer];
            hidden.add_(nn.functional.linear(Attend(layer, nn.functional.linear(_pointwise.RmsNorm(hidden, _norm, epsilon), weights.QueryKeyValue), rotations, position, attention), weights.Output));
            Tensor both = nn.functional.linear(_pointwise.RmsNorm(hidden, _norm, epsilon), weights.GateUp);
            hidden.add_(nn.functional.linear(_pointwise.SiluGate(both), weights.Down));
        }

        return nn.functional.linear(_pointwise.RmsNorm(hidden, _norm, epsilon), _output).cpu().MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        Release();
        _owned.ForEach(tensor => tensor.Dispose());
    }

    private Tensor Attend(int layer, Tensor projected, Tensor rotations, int position, Func<Tensor, Tensor, Tensor, Tensor> attention)
    {
        (int queryHeads, int heads, int headDim) = (_config.QueryHeadCount, _config.KeyValueHeadCount, _config.HeadDim);
        long count = projected.shape[0];
        Tensor byHead = projected.view(count, queryHeads + (2 * heads), headDim);
        Tensor rotated = _pointwise.NormAndRotate(byHead.narrow(1, 0, queryHeads + heads), null, 0, rotations);
        (Tensor keys, Tensor values) = (_caches[2 * layer], _caches[(2 * layer) + 1]);
        keys.narrow(2, position, 1).copy_(rotated.narrow(1, queryHeads, heads).unsqueeze(2));
        values.narrow(2, position, 1).copy_(byHead.narrow(1, queryHeads + heads, heads).unsqueeze(2));

        // The query heads of a group are given as if they were its tokens: heads need not be repeated.
        Tensor queries = rotated.narrow(1, 0, queryHeads).reshape(count, heads, queryHeads / heads, headDim);
        return attention(queries, keys.narrow(2, 0, position + 1), values.narrow(2, 0, position + 1)).reshape(count, queryHeads * headDim);
    }

    private Tensor Matrix(int outputs, int inputs)
    {
        Tensor matrix = Keep(empty([outputs, inputs], ScalarType.BFloat16, _machine.Device));
        new RandomWeights().Read("", matrix);
        return matrix;
    }

    private Tensor Keep(Tensor tensor)
    {
        _owned.Add(tensor.DetachFromDisposeScope());
        return tensor;
    }

    private void Release()
    {
        _caches.ForEach(tensor => tensor.Dispose());
        _caches.Clear();
    }

    private sealed record DenseLayer(Tensor QueryKeyValue, Tensor Output, Tensor GateUp, Tensor Down);
}
