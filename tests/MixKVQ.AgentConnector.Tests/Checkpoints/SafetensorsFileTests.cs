using System.Text;
using MixKVQ.AgentConnector.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Checkpoints;

public sealed class SafetensorsFileTests
{
    private const string OneTensor = """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""";

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void Write_ThenMap_GivesTheSameTensors(ScalarType dtype)
    {
        using var folder = new ModelFolder();
        using var scope = NewDisposeScope();
        Tensor matrix = randn(3, 5).to(dtype);
        Tensor vector = randn(7).to(dtype);
        string path = folder.File("model.safetensors");

        SafetensorsWriter.Write(path, [("matrix", matrix.t()), ("vector", vector)]);

        using var file = new SafetensorsFile(path);
        Assert.Equal(["matrix", "vector"], file.Entries.Select(entry => entry.Name));
        Assert.Equal([5L, 3L], file.Entries[0].Shape);
        Assert.True(file.Map(file.Entries[0]).eq(matrix.t()).all().item<bool>());
        Assert.True(file.Map(file.Entries[1]).eq(vector).all().item<bool>());
        Assert.Equal(0, file.Entries[0].Offset % 8);
        Assert.Equal(["model.safetensors"], Directory.GetFiles(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void Write_RefusesDuplicatesAndOtherTypes()
    {
        using var folder = new ModelFolder();
        using Tensor one = ones(1);
        using Tensor whole = ones(1, ScalarType.Int64);
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(folder.File("x"), [("a", one), ("a", one)]));
        Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(folder.File("x"), [("a", whole)]));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}   """, 8, null)]
    [InlineData("""{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"I8","shape":[0],"data_offsets":[4,4]}}""", 4, null)]
    [InlineData("{}", 0, null)]
    [InlineData(OneTensor, 7, "lies at 0 to 8")]
    [InlineData(OneTensor, 9, "1 bytes after its last tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "gap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "overlaps")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", 8, "lies at 8 to 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", 8, "whole numbers from zero")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", 8, "cannot have 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}}""", 16, "cannot have 16 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}""", 8, "whole numbers from zero")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,2],"data_offsets":[0,8]}}""", 8, "at most 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", 8, "lacks")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", 8, "lacks")]
    [InlineData("""{"a":{"dtype":"Q4","shape":[2],"data_offsets":[0,8]}}""", 8, "\"Q4\"")]
    [InlineData("""{"a":{"dtype":1,"shape":[2],"data_offsets":[0,8]}}""", 8, "Number where a String")]
    [InlineData("""{"a":[]}""", 0, "StartArray where a StartObject")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "twice")]
    [InlineData("""[]""", 0, "not a JSON object")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data""", 8, "not valid JSON")]
    [InlineData("""{} x""", 0, "not valid JSON")]
    public void Open_ChecksTheHeader(string header, int dataBytes, string? fault)
    {
        using var folder = new ModelFolder();
        string path = folder.WriteSafetensors("model.safetensors", header, new byte[dataBytes]);
        if (fault is null)
        {
            new SafetensorsFile(path).Dispose();
            return;
        }

        var error = Assert.Throws<InvalidDataException>(() => new SafetensorsFile(path));
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(1UL << 62)]
    [InlineData(60UL)]
    public void Open_RefusesAHeaderLongerThanTheFile(ulong declared)
    {
        using var folder = new ModelFolder();
        string path = folder.WriteSafetensors("model.safetensors", "{}", new byte[40], declared);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<InvalidDataException>(() => new SafetensorsFile(path));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void Open_RefusesAFileTooShortForAHeader(int length)
    {
        using var folder = new ModelFolder();
        File.WriteAllBytes(folder.File("x"), new byte[length]);
        Assert.Throws<InvalidDataException>(() => new SafetensorsFile(folder.File("x")));
    }

    [Fact]
    public void Open_SurvivesEveryTruncationAndRandomDamage()
    {
        using var folder = new ModelFolder();
        string path = folder.WriteSafetensors("good", """{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[8,16]}}""", new byte[16]);
        byte[] good = File.ReadAllBytes(path);
        var random = new Random(1);
        for (int i = 0; i < 1500; i++)
        {
            byte[] bad = i < good.Length ? good[..i] : [.. good];
            for (int damage = i < good.Length ? 0 : 1 + (i % 4); damage > 0; damage--)
            {
                bad[random.Next(bad.Length)] = (byte)random.Next(256);
            }

            string damaged = folder.File("damaged");
            File.WriteAllBytes(damaged, bad);
            Exception? error = Record.Exception(() => new SafetensorsFile(damaged).Dispose());
            Assert.True(error is null or InvalidDataException, $"{error} for {Encoding.Latin1.GetString(bad)}");
        }
    }
}
