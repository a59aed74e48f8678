using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Benchmarks.DecodeStep;

/// <summary>One layer's weights and cache as libtorch takes them: products of one input are stacked into one, all is bf16, the cache has its place from the start.</summary>
internal sealed class TorchLayer : IDisposable
{
    /// <param name="config">A Qwen3 model's shape.</param>
    /// <param name="index">The layer.</param>
    /// <param name="source">Gives the weights; borrowed.</param>
    /// <param name="capacity">Tokens that the cache has room for.</param>
    public TorchLayer(ModelConfig config, int index, IWeightSource source, int capacity)
    {
        string prefix = DecoderTensors.Layer(index);
        (int queryWidth, int keyWidth) = (config.QueryHeadCount * config.HeadDim, config.KeyValueHeadCount * config.HeadDim);
        InputNorm = Vector("input_layernorm", config.HiddenSize);
        PostAttentionNorm = Vector("post_attention_layernorm", config.HiddenSize);
        QueryKeyValue = Matrix(config.HiddenSize, ("self_attn.q_proj", queryWidth), ("self_attn.k_proj", keyWidth), ("self_attn.v_proj", keyWidth));
        Output = Matrix(queryWidth, ("self_attn.o_proj", config.HiddenSize));
        GateUp = Matrix(config.HiddenSize, ("mlp.gate_proj", config.IntermediateSize), ("mlp.up_proj", config.IntermediateSize));
        Down = Matrix(config.IntermediateSize, ("mlp.down_proj", config.HiddenSize));
        using (Tensor query = Vector("self_attn.q_norm", config.HeadDim), key = Vector("self_attn.k_norm", config.HeadDim))
        {
            QueryKeyNorm = cat([query.expand(config.QueryHeadCount, -1), key.expand(config.KeyValueHeadCount, -1)], 0);
        }

        Keys = empty([1, config.KeyValueHeadCount, capacity, config.HeadDim], ScalarType.BFloat16).normal_();
        Values = empty([1, config.KeyValueHeadCount, capacity, config.HeadDim], ScalarType.BFloat16).normal_();

        Tensor Vector(string name, int length) => Matrix(1, (name, length)).reshape(length);

        Tensor Matrix(int inputs, params ReadOnlySpan<(string Name, int Outputs)> parts)
        {
            int outputs = 0;
            foreach ((_, int count) in parts)
            {
                outputs += count;
            }

            Tensor whole = empty([outputs, inputs], ScalarType.BFloat16);
            int first = 0;
            foreach ((string name, int count) in parts)
            {
                using Tensor part = whole.narrow(0, first, count);
                using Tensor target = inputs == 1 ? part.reshape(count) : part.alias();
                source.Read($"{prefix}{name}.weight", target);
                first += count;
            }

            return whole;
        }
    }

    /// <summary>[hidden].</summary>
    public Tensor InputNorm { get; }

    /// <summary>[hidden].</summary>
    public Tensor PostAttentionNorm { get; }

    /// <summary>[queryHeads + kvHeads, headDim]: the norm of each query head, then of each key head.</summary>
    public Tensor QueryKeyNorm { get; }

    /// <summary>[(queryHeads + 2 · kvHeads) · headDim, hidden].</summary>
    public Tensor QueryKeyValue { get; }

    /// <summary>[hidden, queryHeads · headDim].</summary>
    public Tensor Output { get; }

    /// <summary>[2 · intermediate, hidden].</summary>
    public Tensor GateUp { get; }

    /// <summary>[hidden, intermediate].</summary>
    public Tensor Down { get; }

    /// <summary>[1, kvHeads, capacity, headDim]; random until tokens are written.</summary>
    public Tensor Keys { get; }

    /// <summary>As <see cref="Keys"/>.</summary>
    public Tensor Values { get; }

    public void Dispose()
    {
        foreach (Tensor tensor in new[] { InputNorm, PostAttentionNorm, QueryKeyNorm, QueryKeyValue, Output, GateUp, Down, Keys, Values })
        {
            tensor.Dispose();
        }
    }
}
