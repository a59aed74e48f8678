using MixKVQ.AgentConnector.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Checkpoints;

public sealed class SafetensorsCheckpointTests
{
    [Fact]
    public void Read_ConvertsAndReportsProgress()
    {
        using var folder = new ModelFolder();
        using var scope = NewDisposeScope();
        Tensor weight = randn(4, 3).to(ScalarType.BFloat16);
        SafetensorsWriter.Write(folder.File("model.safetensors"), [("a", weight), ("b", weight)]);
        var progress = new RecordedProgress();
        using var checkpoint = SafetensorsCheckpoint.Open(folder.Path, progress);

        Tensor whole = zeros(8, 3);
        checkpoint.Read("a", whole.narrow(0, 0, 4));
        checkpoint.Read("b", whole.narrow(0, 4, 4));

        Assert.True(whole.eq(cat([weight, weight]).to(ScalarType.Float32)).all().item<bool>());
        Assert.Equal([24, 48], progress.Reports);
    }

    [Fact]
    public void Open_ReadsAShardedCheckpoint()
    {
        using var folder = new ModelFolder();
        using Tensor one = ones(2);
        using Tensor two = full(2, 2f);
        SafetensorsWriter.Write(folder.File("model-1.safetensors"), [("a", one)]);
        SafetensorsWriter.Write(folder.File("model-2.safetensors"), [("b", two)]);
        folder.WithIndex(("a", "model-1.safetensors"), ("b", "model-2.safetensors"));

        using var checkpoint = SafetensorsCheckpoint.Open(folder.Path, null);
        using Tensor target = zeros(2);
        checkpoint.Read("b", target);

        Assert.Equal([2f, 2f], target.data<float>().ToArray());
    }

    [Fact]
    public void RequireTensors_ListsMissingExtraAndMisshapenTogether()
    {
        using var folder = new ModelFolder();
        folder.WriteSafetensors(
            "model.safetensors",
            """{"bent":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"whole":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},"more":{"dtype":"F32","shape":[],"data_offsets":[16,20]},"x.inv_freq":{"dtype":"F32","shape":[],"data_offsets":[20,24]}}""",
            new byte[24]);
        using var checkpoint = SafetensorsCheckpoint.Open(folder.Path, null);

        var error = Assert.Throws<InvalidDataException>(() => checkpoint.RequireTensors(
            [new("bent", [3]), new("whole", [1]), new("gone", [4, 5]), new("away", [1])],
            name => name.EndsWith("inv_freq", StringComparison.Ordinal)));

        Assert.All(
            [folder.Path, "gone [4, 5]", "away [1]", "bent is [2], expected [3]", "whole has element type I64", "\"more\" []"],
            word => Assert.Contains(word, error.Message, StringComparison.Ordinal));
        Assert.DoesNotContain("inv_freq", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../outside.safetensors")]
    [InlineData("..")]
    [InlineData("/etc/passwd")]
    [InlineData("sub/file.safetensors")]
    [InlineData("C:\\file")]
    [InlineData("")]
    [InlineData("absent.safetensors")]
    public void Open_RefusesAnIndexThatLeadsOutOfTheFolder(string name)
    {
        using var folder = new ModelFolder();
        folder.WithIndex(("a", name));
        var error = Assert.Throws<InvalidDataException>(() => SafetensorsCheckpoint.Open(folder.Path, null));
        Assert.Contains("model.safetensors.index.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_RefusesALinkOutOfTheFolder()
    {
        using var folder = new ModelFolder();
        using var other = new ModelFolder();
        using Tensor one = ones(1);
        SafetensorsWriter.Write(other.File("real.safetensors"), [("a", one)]);
        File.CreateSymbolicLink(folder.File("shard.safetensors"), other.File("real.safetensors"));
        folder.WithIndex(("a", "shard.safetensors"));
        var error = Assert.Throws<InvalidDataException>(() => SafetensorsCheckpoint.Open(folder.Path, null));
        Assert.Contains("a link out of its folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FollowsTheLinksOfTheHuggingFaceCache()
    {
        using var cache = new ModelFolder();
        string blobs = Directory.CreateDirectory(cache.File("blobs")).FullName;
        string snapshot = Directory.CreateDirectory(Path.Combine(cache.Path, "snapshots", "main")).FullName;
        using Tensor one = ones(1);
        SafetensorsWriter.Write(Path.Combine(blobs, "1234"), [("a", one)]);
        File.CreateSymbolicLink(Path.Combine(snapshot, "shard.safetensors"), "../../blobs/1234");
        File.WriteAllText(Path.Combine(snapshot, "model.safetensors.index.json"), """{ "weight_map": { "a": "shard.safetensors" } }""");
        SafetensorsCheckpoint.Open(snapshot, null).Dispose();
    }

    [Fact]
    public void Open_RefusesATensorInTwoFilesOrInAnother()
    {
        using var folder = new ModelFolder();
        using Tensor one = ones(1);
        SafetensorsWriter.Write(folder.File("1"), [("a", one)]);
        SafetensorsWriter.Write(folder.File("2"), [("b", one)]);
        folder.WithIndex(("a", "2"), ("b", "1"));
        Assert.Contains("does not hold it", Assert.Throws<InvalidDataException>(() => SafetensorsCheckpoint.Open(folder.Path, null)).Message, StringComparison.Ordinal);

        SafetensorsWriter.Write(folder.File("2"), [("b", one), ("a", one)]);
        folder.WithIndex(("a", "1"), ("b", "2"));
        Assert.Contains("too", Assert.Throws<InvalidDataException>(() => SafetensorsCheckpoint.Open(folder.Path, null)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "weight_map": [] }""")]
    [InlineData("""{ "weight_map": { "a": 3 } }""")]
    [InlineData("""{ "weight_map": """)]
    public void Open_RefusesAMalformedIndex(string text)
    {
        using var folder = new ModelFolder();
        folder.With("model.safetensors.index.json", text);
        Assert.Throws<InvalidDataException>(() => SafetensorsCheckpoint.Open(folder.Path, null));
    }

    [Fact]
    public void Open_NamesAFolderWithoutWeights()
    {
        using var folder = new ModelFolder();
        var error = Assert.Throws<InvalidDataException>(() => SafetensorsCheckpoint.Open(folder.Path, null));
        Assert.Contains("holds neither model.safetensors nor", error.Message, StringComparison.Ordinal);
    }

    private sealed class RecordedProgress : IProgress<long>
    {
        public List<long> Reports { get; } = [];

        public void Report(long value) => Reports.Add(value);
    }
}
