using MixKVQ.AgentConnector.Models;
using TorchSharp;

namespace MixKVQ.AgentConnector.Tests.Models;

public sealed class DecoderParityTests(ITestOutputHelper output)
{
    // Past two page borders (160, 288), and past every pretrained context below.
    private const int TokenCount = 300;

    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "num_key_value_heads": 4, "tie_word_embeddings": true }""")]
    [InlineData("""{ "num_key_value_heads": 1, "attention_bias": true, "mlp_bias": true }""")]
    [InlineData("""{ "model_type": "mistral", "head_dim": 16, "rope_theta": 1000000.0 }""")]
    [InlineData("""{ "model_type": "qwen2", "tie_word_embeddings": true, "rms_norm_eps": 1e-5 }""")]
    [InlineData("""{ "model_type": "qwen3", "head_dim": 16, "num_key_value_heads": 1 }""")]
    [InlineData("""{ "model_type": "qwen3", "head_dim": 24, "attention_bias": true, "tie_word_embeddings": true }""")]
    [InlineData("""{ "rope_scaling": { "type": "linear", "factor": 4.0 } }""")]
    [InlineData("""{ "max_position_embeddings": 100, "rope_scaling": { "type": "dynamic", "factor": 4.0 } }""")]
    [InlineData("""{ "head_dim": 32, "rope_scaling": { "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 100 } }""")]
    [InlineData("""{ "head_dim": 32, "rope_parameters": { "rope_theta": 500.0, "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 90 } }""")]
    [InlineData("""{ "head_dim": 32, "rope_scaling": { "rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 90, "beta_fast": 8, "beta_slow": 2, "truncate": false, "attention_factor": 1.3 } }""")]
    public void Logits_AgreeWithTheFloat64Oracle(string changes)
    {
        using var tiny = new TinyModel(changes);
        int[] tokens = tiny.Tokens(TokenCount);
        double[][] expected = new Float64Decoder(tiny.Config, tiny.Weights).Logits(tokens);
        using DecoderModel model = DecoderModel.Load(tiny.Folder, torch.CPU, null);

        foreach (int chunk in new[] { 50, 1 })
        {
            (double max, double mean) = DecoderRun.Difference(expected, DecoderRun.Logits(model, tokens, chunk));
            output.WriteLine($"chunks of {chunk}: max {max:e2}, mean {mean:e2}; largest logit {expected.Max(row => row.Max()):f1}");
            Assert.InRange(max, 0, 1e-4);
        }
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "attention_bias": true, "mlp_bias": true, "tie_word_embeddings": true }""")]
    public void Logits_WithWeightsOf8BitsAreThoseOfTheRoundedWeights(string changes)
    {
        using var tiny = new TinyModel(changes);
        bool tied = (bool)tiny.Config["tie_word_embeddings"]!;
        int[] tokens = tiny.Tokens(TokenCount);
        Dictionary<string, (long[] Shape, float[] Values)> rounded = tiny.Weights.ToDictionary(
            weight => weight.Key,
            weight => weight.Value.Shape.Length == 2 && (tied || !weight.Key.Contains("embed", StringComparison.Ordinal)) ? (weight.Value.Shape, Rounded(weight.Value)) : weight.Value);
        double[][] expected = new Float64Decoder(tiny.Config, rounded).Logits(tokens);
        using DecoderModel model = DecoderModel.Load(tiny.Folder, torch.CPU, null, precision: WeightPrecision.EightBit);

        foreach (int chunk in new[] { 50, 1 })
        {
            (double max, double mean) = DecoderRun.Difference(expected, DecoderRun.Logits(model, tokens, chunk));
            output.WriteLine($"chunks of {chunk}: max {max:e2}, mean {mean:e2}");
            Assert.InRange(max, 0, 1e-4);
        }
    }

    [Fact]
    public void Logits_DoNotDependOnHowThePrefillIsChunked()
    {
        using var tiny = new TinyModel("""{ "model_type": "qwen3", "max_position_embeddings": 100, "rope_scaling": { "type": "dynamic", "factor": 4.0 } }""");
        int[] tokens = tiny.Tokens(200);
        using DecoderModel model = DecoderModel.Load(tiny.Folder, torch.CPU, null);

        float[][] whole = DecoderRun.Logits(model, tokens, chunk: 160);
        float[][] single = DecoderRun.Logits(model, tokens, chunk: 1);

        Assert.InRange(DecoderRun.Difference(whole.Select(row => row.Select(value => (double)value)), single).Max, 0, 5e-5);
    }

    [Theory]
    [InlineData("""{ "model_type": "qwen2", "head_dim": 16 }""", true)]
    [InlineData("""{ "attention_bias": true }""", true)]
    [InlineData("""{ "model_type": "qwen3", "head_dim": 24 }""", false)]
    public void Logits_DoNotChangeWhenValuesAreRotated(string changes, bool rotates)
    {
        using var tiny = new TinyModel(changes);
        int[] tokens = tiny.Tokens(180);
        using DecoderModel plain = DecoderModel.Load(tiny.Folder, torch.CPU, null);
        using DecoderModel rotated = DecoderModel.Load(tiny.Folder, torch.CPU, null, rotateValues: true);

        float[][] expected = DecoderRun.Logits(plain, tokens, chunk: 64);
        float[][] actual = DecoderRun.Logits(rotated, tokens, chunk: 64);

        Assert.Equal((false, rotates), (plain.RotatesValues, rotated.RotatesValues));
        Assert.InRange(DecoderRun.Difference(expected.Select(row => row.Select(value => (double)value)), actual).Max, 0, 1e-4);
        Assert.All(plain.CacheGeometry.OutputWeights!.Zip(rotated.CacheGeometry.OutputWeights!), pair => Assert.Equal(pair.First, pair.Second, pair.First * 1e-5f));
    }

    [Fact]
    public void Logits_InBFloat16StayNearTheFloat64Oracle()
    {
        using var tiny = new TinyModel("""{ "model_type": "qwen3", "head_dim": 16 }""");
        int[] tokens = tiny.Tokens(100);
        double[][] expected = new Float64Decoder(tiny.Config, tiny.Weights).Logits(tokens);
        using DecoderModel model = DecoderModel.Load(tiny.Folder, torch.CPU, torch.ScalarType.BFloat16);

        (double max, double mean) = DecoderRun.Difference(expected, DecoderRun.Logits(model, tokens, chunk: 160));

        double deviation = Math.Sqrt(expected.SelectMany(row => row).Average(value => value * value));
        output.WriteLine($"max {max:e2}, mean {mean:e2}; root mean square logit {deviation:f2}");
        Assert.InRange(mean, 0, 0.02 * deviation);
    }

    private static float[] Rounded((long[] Shape, float[] Values) weight)
    {
        int columns = (int)weight.Shape[1];
        return [.. weight.Values.Chunk(columns).SelectMany(row =>
        {
            float unit = row.Max(Math.Abs) / 127;
            return row.Select(value => MathF.Round(value / unit) * unit);
        })];
    }
}
