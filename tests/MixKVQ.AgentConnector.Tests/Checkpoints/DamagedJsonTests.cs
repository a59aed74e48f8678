using System.Text;
using MixKVQ.AgentConnector.Checkpoints;

namespace MixKVQ.AgentConnector.Tests.Checkpoints;

/// <summary>JSON files of a model folder with damage anywhere: read or refused, never another exception.</summary>
public sealed class DamagedJsonTests
{
    [Theory]
    [InlineData("""{ "model_type": "\ud800" }""")]
    [InlineData("""{ "\ud800": 1, "model_type": "llama" }""")]
    [InlineData("""{ "model_type": "llama", "hidden_act": "\ud800", "rope_scaling": { "type": "\udc00" } }""")]
    [InlineData("""{ "model_type": "llama", "architectures": ["\ud800"] }""")]
    public void Config_RefusesBrokenText(string config)
    {
        using var folder = new ModelFolder();
        folder.With("config.json", config);
        Assert.Throws<InvalidDataException>(() => ModelConfig.Load(folder.Path));
    }

    [Fact]
    public void Index_RefusesBrokenText()
    {
        using var folder = new ModelFolder();
        folder.With("model.safetensors.index.json", """{ "weight_map": { "\ud800": "\ud800" } }""");
        Assert.Throws<InvalidDataException>(() => SafetensorsCheckpoint.Open(folder.Path, null));
    }

    [Fact]
    public void Files_SurviveRandomDamage()
    {
        using var folder = new ModelFolder();
        folder.WithConfig("""{ "rope_scaling": { "rope_type": "yarn", "factor": 4.0 } }""");
        byte[] config = File.ReadAllBytes(folder.File("config.json"));
        byte[] generation = Encoding.UTF8.GetBytes("""{ "eos_token_id": [7, 9], "do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95 }""");
        byte[] index = Encoding.UTF8.GetBytes("""{ "metadata": {}, "weight_map": { "a": "1.safetensors", "b": "2.safetensors" } }""");
        var random = new Random(1);
        for (int i = 0; i < 400; i++)
        {
            File.WriteAllBytes(folder.File("config.json"), i % 2 == 0 ? config : Damage(config));
            File.WriteAllBytes(folder.File("generation_config.json"), Damage(generation));
            File.WriteAllBytes(folder.File("model.safetensors.index.json"), Damage(index));
            RequireReadOrRefused(() => ModelConfig.Load(folder.Path));
            RequireReadOrRefused(() => SafetensorsCheckpoint.Open(folder.Path, null).Dispose());
        }

        byte[] Damage(byte[] good)
        {
            byte[] bad = [.. good];
            for (int count = random.Next(1, 4); count > 0; count--)
            {
                bad[random.Next(bad.Length)] = random.Next(3) == 0 ? (byte)random.Next(256) : (byte)"0-\"\\{}[],:eE."[random.Next(13)];
            }

            return bad;
        }
    }

    private static void RequireReadOrRefused(Action read)
    {
        Exception? error = Record.Exception(read);
        Assert.True(error is null or InvalidDataException, error?.ToString());
    }
}
