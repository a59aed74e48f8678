using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Tests.Models;

/// <summary>
/// The oracle of the decoder: a causal language model of the Llama, Mistral, Qwen2 and Qwen3 families in float64 over
/// plain arrays, token by token over all earlier ones, without cache, Torch or any type of src.
/// </summary>
internal sealed class Float64Decoder(JsonObject config, IReadOnlyDictionary<string, (long[] Shape, float[] Values)> weights)
{
    private readonly int _heads = (int)config["num_attention_heads"]!;
    private readonly int _keyHeads = (int)config["num_key_value_heads"]!;
    private readonly double _epsilon = (double)config["rms_norm_eps"]!;
    private readonly int _headDim = config["head_dim"] is { } given ? (int)given : (int)config["hidden_size"]! / (int)config["num_attention_heads"]!;

    /// <summary>The logits of every token.</summary>
    public double[][] Logits(int[] tokens)
    {
        double[][] hidden = [.. tokens.Select(token => Row("model.embed_tokens.weight", token))];
        for (int layer = 0; layer < (int)config["num_hidden_layers"]!; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            double[][] attended = Attend(prefix + "self_attn.", [.. hidden.Select(x => Norm(x, prefix + "input_layernorm.weight"))]);
            hidden = [.. hidden.Zip(attended, Add)];
            hidden = [.. hidden.Select(x => Add(x, Feed(prefix + "mlp.", Norm(x, prefix + "post_attention_layernorm.weight"))))];
        }

        string head = config["tie_word_embeddings"]!.GetValue<bool>() ? "model.embed_tokens" : "lm_head";
        return [.. hidden.Select(x => Multiply(head, Norm(x, "model.norm.weight")))];
    }

    private double[][] Attend(string prefix, double[][] inputs)
    {
        var rope = new Float64Rope(config, _headDim);
        double[][][] queries = [.. inputs.Select((x, position) => Heads(prefix + "q", x, _heads, position, rope))];
        double[][][] keys = [.. inputs.Select((x, position) => Heads(prefix + "k", x, _keyHeads, position, rope))];
        double[][][] values = [.. inputs.Select(x => Split(Multiply(prefix + "v_proj", x)))];
        var outputs = new double[inputs.Length][];
        for (int token = 0; token < inputs.Length; token++)
        {
            double[] joined = new double[_heads * _headDim];
            for (int head = 0; head < _heads; head++)
            {
                int keyHead = head / (_heads / _keyHeads);
                double[] weight = [.. Enumerable.Range(0, token + 1).Select(past => Math.Exp(Dot(queries[token][head], keys[past][keyHead]) / Math.Sqrt(_headDim)))];
                double sum = weight.Sum();
                for (int past = 0; past <= token; past++)
                {
                    for (int channel = 0; channel < _headDim; channel++)
                    {
                        joined[(head * _headDim) + channel] += weight[past] / sum * values[past][keyHead][channel];
                    }
                }
            }

            outputs[token] = Multiply(prefix + "o_proj", joined);
        }

        return outputs;
    }

    private double[][] Heads(string name, double[] x, int count, int position, Float64Rope rope)
    {
        double[][] heads = Split(Multiply(name + "_proj", x));
        Assert.Equal(count, heads.Length);
        return [.. heads.Select(head => rope.Rotate(weights.ContainsKey(name + "_norm.weight") ? Norm(head, name + "_norm.weight") : head, position))];
    }

    private double[] Feed(string prefix, double[] x)
    {
        double[] gate = Multiply(prefix + "gate_proj", x);
        double[] up = Multiply(prefix + "up_proj", x);
        return Multiply(prefix + "down_proj", [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)]);
    }

    private double[][] Split(double[] x) => [.. x.Chunk(_headDim)];

    private double[] Norm(double[] x, string name)
    {
        double root = Math.Sqrt((x.Sum(value => value * value) / x.Length) + _epsilon);
        return [.. x.Select((value, i) => value / root * weights[name].Values[i])];
    }

    private double[] Multiply(string name, double[] x)
    {
        int rows = (int)weights[name + ".weight"].Shape[0];
        float[]? bias = weights.TryGetValue(name + ".bias", out var given) ? given.Values : null;
        return [.. Enumerable.Range(0, rows).Select(row => Dot(Row(name + ".weight", row), x) + (bias?[row] ?? 0))];
    }

    private double[] Row(string name, int row)
    {
        int columns = (int)weights[name].Shape[1];
        return [.. weights[name].Values.AsSpan(row * columns, columns).ToArray().Select(value => (double)value)];
    }

    private static double Dot(double[] x, double[] y)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
        {
            sum += x[i] * y[i];
        }

        return sum;
    }

    private static double[] Add(double[] x, double[] y) => [.. x.Zip(y, (a, b) => a + b)];
}
