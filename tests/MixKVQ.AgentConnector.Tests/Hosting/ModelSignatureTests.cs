using Microsoft.Extensions.Logging.Abstractions;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Hosting;
using MixKVQ.AgentConnector.Tests.Cache;
using MixKVQ.AgentConnector.Tests.Checkpoints;
using MixKVQ.AgentConnector.Tests.Models;

namespace MixKVQ.AgentConnector.Tests.Hosting;

public sealed class ModelSignatureTests : IDisposable
{
    private readonly TinyModel _model = TinyModel.OfChats();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void EqualFolders_HaveEqualSignatures()
    {
        using TinyModel other = TinyModel.OfChats();
        Assert.Equal(Load(_model), Load(other));
        Assert.Equal(Load(_model), Load(_model));
        Assert.Matches("^[0-9a-f]{32}$", Load(_model).Model);
    }

    [Fact]
    public void Signature_IsInWords()
    {
        ModelSignature signature = Load(_model);
        Assert.Equal("default, theta 10000", signature.Rope);
        Assert.Equal(
            "2 layers, 2 query heads, 1 KV heads of 64, Float32, 32 sinks, pages of 128 in quads, value groups of 64, MixKvq of 2.5 bits, values rotated, key bias corrected", signature.Cache);
    }

    [Theory]
    [InlineData("model.safetensors", 0.5)]
    [InlineData("model.safetensors", 1)]
    [InlineData("config.json", 1)]
    [InlineData("tokenizer.json", 1)]
    [InlineData("tokenizer_config.json", 1)]
    public void AnotherByte_GivesAnotherFingerprint(string name, double place)
    {
        string path = Path.Combine(_model.Folder, name);
        string before = ModelFingerprint.Of(_model.Folder);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[(int)((bytes.Length - 1) * place)] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.NotEqual(before, ModelFingerprint.Of(_model.Folder));
    }

    [Fact]
    public void FilesThatAreNotRead_DoNotCount()
    {
        string before = ModelFingerprint.Of(_model.Folder);
        File.WriteAllText(Path.Combine(_model.Folder, "README.md"), "A model.");
        File.WriteAllText(Path.Combine(_model.Folder, "other.safetensors"), "");
        Assert.Equal(before, ModelFingerprint.Of(_model.Folder));
    }

    [Fact]
    public void OfLargeWeights_SamplesFromTheFirstByteToTheLastCount()
    {
        const int DataBytes = 1 << 20;
        string header = $$$"""{"a":{"dtype":"F32","shape":[{{{DataBytes / 4}}}],"data_offsets":[0,{{{DataBytes}}}]}}""";
        using var folder = new ModelFolder();
        folder.WithConfig();
        byte[] data = new byte[DataBytes];
        HashSet<string> seen = [Fingerprint()];
        foreach (int place in new[] { 0, 4095, DataBytes - 1, DataBytes - 4096, (DataBytes - 4096) / 63 })
        {
            data[place] = 1;
            Assert.True(seen.Add(Fingerprint()), $"Byte {place} makes no difference.");
        }

        string Fingerprint()
        {
            folder.WriteSafetensors("model.safetensors", header, data);
            return ModelFingerprint.Of(folder.Path);
        }
    }

    private static readonly string[] Ropes =
    [
        "{}",
        """{ "rope_theta": 20000.0 }""",
        """{ "rope_scaling": { "rope_type": "linear", "factor": 2.0 } }""",
        """{ "rope_scaling": { "rope_type": "linear", "factor": 4.0 } }""",
        """{ "rope_scaling": { "rope_type": "dynamic", "factor": 2.0 } }""",
        """{ "rope_scaling": { "rope_type": "yarn", "factor": 2.0 } }""",
        """{ "rope_scaling": { "rope_type": "yarn", "factor": 2.0, "beta_fast": 16 } }""",
        """{ "rope_scaling": { "rope_type": "yarn", "factor": 2.0, "attention_factor": 1.5 } }""",
        """{ "rope_scaling": { "rope_type": "llama3", "factor": 2.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 256 } }""",
        """{ "rope_scaling": { "rope_type": "llama3", "factor": 2.0, "low_freq_factor": 1.0, "high_freq_factor": 3.0, "original_max_position_embeddings": 256 } }""",
    ];

    [Fact]
    public void EveryRope_HasItsOwnWords()
    {
        string[] words = [.. Ropes.Select(RopeWords)];
        Assert.Equal(words, words.Distinct());
    }

    private static readonly Action<KvCacheOptions>[] CacheChanges =
    [
        cache => cache.TargetBits = 2.75,
        cache => cache.Policy = KvCachePolicy.Uniform4,
        cache => cache.Policy = KvCachePolicy.MixKvqThresholds,
        cache => cache.ValueGroupSize = 32,
        cache => cache.RotateValues = false,
        cache => cache.CorrectKeyBias = false,
        cache => cache.ExactAttention = true,
        cache => (cache.Policy, cache.FullPrecisionThreshold) = (KvCachePolicy.MixKvqThresholds, 2),
        cache => (cache.Policy, cache.FourBitThreshold) = (KvCachePolicy.MixKvqThresholds, 0.5),
    ];

    [Fact]
    public void EveryCacheSetting_HasItsOwnWords()
    {
        HashSet<string> seen = [Load(_model).Cache];
        foreach (Action<KvCacheOptions> change in CacheChanges)
        {
            var options = new MixKvqOptions { ModelPath = _model.Folder };
            change(options.Cache);
            ModelSignature signature = Load(options);
            Assert.Equal(Load(_model) with { Cache = signature.Cache }, signature);
            Assert.True(seen.Add(signature.Cache), signature.Cache);
        }

        Assert.True(seen.Add(Load(new MixKvqOptions { ModelPath = _model.Folder, DType = "bfloat16" }).Cache));
        Assert.True(seen.Add(Load(new MixKvqOptions { ModelPath = _model.Folder, Weights = WeightPrecision.EightBit }).Cache));
    }

    private static string RopeWords(string configChanges)
    {
        using var folder = new ModelFolder();
        folder.WithConfig(configChanges);
        folder.WriteSafetensors("model.safetensors", "{}", []);
        return ModelSignatures.Of(new MixKvqOptions { ModelPath = folder.Path }, ModelConfig.Load(folder.Path).Rope, CacheDriver.SmallGeometry()).Rope;
    }

    private static ModelSignature Load(TinyModel model) => Load(new MixKvqOptions { ModelPath = model.Folder });

    private static ModelSignature Load(MixKvqOptions options)
    {
        using ModelRuntime runtime = ModelRuntime.Load(options, NullLoggerFactory.Instance);
        return runtime.Sequences.Signature;
    }
}
