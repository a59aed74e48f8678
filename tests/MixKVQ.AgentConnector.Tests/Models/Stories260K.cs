using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Tests.Checkpoints;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models;

/// <summary>
/// The stories260K checkpoint (https://github.com/karpathy/llama2.c, version 0 format) converted to a Hugging Face folder.
/// The file holds seven int32 (dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len), then float32 weights, kind by kind.
/// </summary>
internal sealed class Stories260K : IDisposable
{
    private readonly ModelFolder _folder = new();
    private readonly float[] _weights;
    private int _position;

    public Stories260K(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int[] header = MemoryMarshal.Cast<byte, int>(file.AsSpan(0, 28)).ToArray();
        _weights = MemoryMarshal.Cast<byte, float>(file.AsSpan(28)).ToArray();
        (int hidden, int inner, int layers, int heads, int keyHeads, int vocabulary) = (header[0], header[1], header[2], header[3], header[4], header[5]);
        int headDim = hidden / heads;
        _folder.With(
            "config.json",
            $$"""
            { "model_type": "llama", "hidden_size": {{hidden}}, "intermediate_size": {{inner}}, "num_hidden_layers": {{layers}}, "num_attention_heads": {{heads}},
              "num_key_value_heads": {{keyHeads}}, "vocab_size": {{vocabulary}}, "max_position_embeddings": {{header[6]}}, "rms_norm_eps": 1e-5, "tie_word_embeddings": true }
            """);

        using var scope = NewDisposeScope();
        List<(string, Tensor)> tensors = [("model.embed_tokens.weight", Next(vocabulary, hidden))];
        AddLayers("input_layernorm", hidden);
        AddLayers("self_attn.q_proj", hidden, hidden);
        AddLayers("self_attn.k_proj", keyHeads * headDim, hidden);
        AddLayers("self_attn.v_proj", keyHeads * headDim, hidden);
        AddLayers("self_attn.o_proj", hidden, hidden);
        AddLayers("post_attention_layernorm", hidden);
        AddLayers("mlp.gate_proj", inner, hidden);
        AddLayers("mlp.down_proj", hidden, inner);
        AddLayers("mlp.up_proj", inner, hidden);
        tensors.Add(("model.norm.weight", Next(hidden)));
        SafetensorsWriter.Write(_folder.File("model.safetensors"), tensors);

        void AddLayers(string name, params long[] shape)
        {
            for (int layer = 0; layer < layers; layer++)
            {
                Tensor weight = Next(shape);
                if (name is "self_attn.q_proj" or "self_attn.k_proj")
                {
                    // llama2.c turns the pairs (2i, 2i + 1), the Hugging Face layout (i, i + headDim / 2).
                    weight = weight.reshape(-1, headDim / 2, 2, hidden).transpose(1, 2).reshape(shape);
                }

                tensors.Add(($"model.layers.{layer}.{name}.weight", weight));
            }
        }
    }

    public string Folder => _folder.Path;

    public void Dispose() => _folder.Dispose();

    private Tensor Next(params long[] shape)
    {
        int count = (int)shape.Aggregate(1L, (product, size) => product * size);
        float[] values = _weights.AsSpan(_position, count).ToArray();
        _position += count;
        return tensor(values, shape);
    }
}
