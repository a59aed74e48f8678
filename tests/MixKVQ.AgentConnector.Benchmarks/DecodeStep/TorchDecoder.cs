using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.DecodeStep;

/// <summary>
/// Decoding of a Qwen3 model with libtorch's operations and a cache in full precision: what one would write in TorchSharp with care. bf16 as checkpoints of this kind
/// run; norms in float32.
/// </summary>
internal sealed class TorchDecoder : IDisposable
{
    private static readonly Scalar One = 1f;
    private readonly ModelConfig _config;
    private readonly Tensor _embedding;
    private readonly Tensor _finalNorm;
    private readonly TorchLayer[] _layers;
    private readonly Tensor _cosines;
    private readonly Tensor _sines;
    private readonly Scalar _epsilon;

    /// <param name="folder">A Qwen3 model with tied embeddings.</param>
    /// <param name="capacity">Tokens that the cache has room for.</param>
    public TorchDecoder(string folder, int capacity)
    {
        using var noGrad = no_grad();
        _config = ModelConfig.Load(folder);
        using SafetensorsCheckpoint checkpoint = SafetensorsCheckpoint.Open(folder, null);
        _embedding = empty([_config.VocabularySize, _config.HiddenSize], ScalarType.BFloat16);
        checkpoint.Read(DecoderTensors.Embedding, _embedding);
        _finalNorm = empty([_config.HiddenSize], ScalarType.BFloat16);
        checkpoint.Read(DecoderTensors.FinalNorm, _finalNorm);
        _layers = [.. Enumerable.Range(0, _config.LayerCount).Select(index => new TorchLayer(_config, index, checkpoint, capacity))];
        _epsilon = (float)_config.RmsNormEpsilon;
        using var scope = NewDisposeScope();
        Tensor frequencies = pow(_config.Rope.Theta, arange(0, _config.HeadDim, 2, ScalarType.Float64) / -_config.HeadDim);
        Tensor angles = outer(arange(capacity, ScalarType.Float64), frequencies);
        angles = cat([angles, angles], 1);
        _cosines = angles.cos().to(ScalarType.BFloat16).DetachFromDisposeScope();
        _sines = angles.sin().to(ScalarType.BFloat16).DetachFromDisposeScope();
    }

    /// <summary>The position of the next token. Where it is set ahead, the cache holds random tokens before it.</summary>
    public int Position { get; set; }

    /// <summary>Takes one token.</summary>
    /// <returns>[1, vocabulary] in bf16, the caller's.</returns>
    public Tensor Decode(int token)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = _embedding.narrow(0, token, 1);
        foreach (TorchLayer layer in _layers)
        {
            hidden = hidden.add(Attend(layer, Norm(hidden, layer.InputNorm)), One);
            hidden = hidden.add(Expand(layer, Norm(hidden, layer.PostAttentionNorm)), One);
        }

        Position++;
        return nn.functional.linear(Norm(hidden, _finalNorm), _embedding).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (TorchLayer layer in _layers)
        {
            layer.Dispose();
        }

        foreach (Tensor tensor in new[] { _embedding, _finalNorm, _cosines, _sines })
        {
            tensor.Dispose();
        }
    }

    private Tensor Attend(TorchLayer layer, Tensor input)
    {
        (int queryHeads, int heads, int headDim) = (_config.QueryHeadCount, _config.KeyValueHeadCount, _config.HeadDim);
        Tensor projected = nn.functional.linear(input, layer.QueryKeyValue).reshape(queryHeads + (2 * heads), headDim);
        Tensor rotated = Rotate(Norm(projected.narrow(0, 0, queryHeads + heads), layer.QueryKeyNorm));
        layer.Keys.narrow(2, Position, 1).copy_(rotated.narrow(0, queryHeads, heads).reshape(1, heads, 1, headDim));
        layer.Values.narrow(2, Position, 1).copy_(projected.narrow(0, queryHeads + heads, heads).reshape(1, heads, 1, headDim));

        // The query heads of a group are given as if they were its tokens: heads need not be repeated.
        Tensor attended = nn.functional.scaled_dot_product_attention(
            rotated.narrow(0, 0, queryHeads).reshape(1, heads, queryHeads / heads, headDim),
            layer.Keys.narrow(2, 0, Position + 1),
            layer.Values.narrow(2, 0, Position + 1));
        return nn.functional.linear(attended.reshape(1, queryHeads * headDim), layer.Output);
    }

    private Tensor Expand(TorchLayer layer, Tensor input)
    {
        Tensor both = nn.functional.linear(input, layer.GateUp);
        Tensor gate = nn.functional.silu(both.narrow(1, 0, _config.IntermediateSize));
        return nn.functional.linear(gate.mul_(both.narrow(1, _config.IntermediateSize, _config.IntermediateSize)), layer.Down);
    }

    private Tensor Norm(Tensor rows, Tensor weight)
    {
        Tensor exact = rows.to(ScalarType.Float32);
        Tensor scale = exact.square().mean([-1L], keepdim: true).add_(_epsilon).rsqrt_();
        return exact.mul_(scale).to(ScalarType.BFloat16).mul_(weight);
    }

    private Tensor Rotate(Tensor heads)
    {
        Tensor[] halves = heads.chunk(2, 1);
        Tensor turned = cat([halves[1].neg(), halves[0]], 1).mul_(_sines.narrow(0, Position, 1));
        return heads.mul(_cosines.narrow(0, Position, 1)).add_(turned, One);
    }
}
