using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Models.Cuda;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models.Cuda;

/// <summary>What the append of a decode step writes, against Torch's norm and rotation and the host's statistics.</summary>
public sealed class HeadKernelsTests
{
    private const int Layers = 3, Layer = 1, QueryHeads = 6, KeyHeads = 3, Hidden = 70;

    // The first token, the last sink, the first and a later one of a page.
    private static readonly int[] Positions = [0, 31, 32, 32 + 128 + 100];

    [Theory]
    [InlineData(ScalarType.Float32, 24, true)]
    [InlineData(ScalarType.Float32, 128, false)]
    [InlineData(ScalarType.BFloat16, 8, false)]
    [InlineData(ScalarType.BFloat16, 128, true)]
    public unsafe void Append_WritesQueriesRowsAndSums(ScalarType dtype, int headDim, bool isNormed)
    {
        Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");
        using var scope = NewDisposeScope();
        using var tiny = new TinyModel($$"""{ "head_dim": {{headDim}}, "num_attention_heads": {{QueryHeads}}, "num_key_value_heads": {{KeyHeads}} }""");
        var kernels = new HeadKernels(new EmulatedDevice(), ModelConfig.Load(tiny.Folder), dtype);
        int count = Positions.Length;
        Tensor projected = randn(count, QueryHeads + (2 * KeyHeads), headDim).to(dtype);
        Tensor hidden = randn(count, Hidden).to(dtype), rotations = randn(300, headDim), queries = zeros(count, QueryHeads, headDim);
        Tensor? queryNorm = isNormed ? randn(headDim) : null, keyNorm = isNormed ? randn(headDim) : null;
        Tensor sinks = zeros([count, Layers, 2, KeyHeads, 32, headDim], dtype: dtype), tails = zeros([count, Layers, 2, KeyHeads, 128, headDim], dtype: dtype);
        Tensor magnitudes = ones([count, Layers, QueryHeads, headDim], dtype: ScalarType.Float64), energies = ones([count, Layers], dtype: ScalarType.Float64);
        CacheSequence[] sequences = [.. Positions.Select((position, i) => new CacheSequence
        {
            Sinks = TensorMemory.DataPointer(sinks[i]),
            Tail = TensorMemory.DataPointer(tails[i]),
            Magnitudes = TensorMemory.DataPointer(magnitudes[i]),
            Energies = TensorMemory.DataPointer(energies[i]),
            Position = position,
            SinkCount = Math.Min(32, position + 1),
            TailCount = Math.Max(0, ((position - 32) % 128) + 1),
        })];

        fixed (CacheSequence* table = sequences)
        {
            var arguments = new HeadKernels.AppendArguments
            {
                Projected = TensorMemory.DataPointer(projected),
                QueryNorm = queryNorm is null ? 0 : TensorMemory.DataPointer(queryNorm),
                KeyNorm = keyNorm is null ? 0 : TensorMemory.DataPointer(keyNorm),
                Rotations = TensorMemory.DataPointer(rotations),
                Hidden = TensorMemory.DataPointer(hidden),
                Queries = TensorMemory.DataPointer(queries),
                Sequences = (nint)table,
                Layer = Layer,
                HiddenWidth = Hidden,
                Epsilon = 1e-6f,
            };
            kernels.Append(arguments, count);
        }

        Tensor angles = rotations.index_select(0, tensor(Positions));
        var torchs = new TorchPointwise();
        Tensor expectedQueries = torchs.NormAndRotate(projected.narrow(1, 0, QueryHeads).to(ScalarType.Float32), queryNorm, 1e-6f, angles);
        Tensor expectedKeys = torchs.NormAndRotate(projected.narrow(1, QueryHeads, KeyHeads).clone(), keyNorm, 1e-6f, angles);
        Tensor values = projected.narrow(1, QueryHeads + KeyHeads, KeyHeads);
        RequireClose(expectedQueries, queries, 1e-5);
        for (int i = 0; i < count; i++)
        {
            bool isSink = Positions[i] < 32;
            Tensor written = isSink ? sinks[i, Layer, .., .., Positions[i]] : tails[i, Layer, .., .., (Positions[i] - 32) % 128];
            RequireClose(expectedKeys[i], written[0], dtype == ScalarType.BFloat16 ? 1.0 / 128 : 1e-5);
            Assert.True(AreEqual(values[i], written[1]));
            Tensor sums = zeros_like(magnitudes[i]) + 1;
            double energy = 1;
            if (!isSink)
            {
                sums[Layer] = sums[Layer] + queries[i].to(ScalarType.Float64).abs();
                energy += hidden[i].to(ScalarType.Float64).square().sum().item<double>();
            }

            Assert.True(AreEqual(sums, magnitudes[i]));
            Assert.All(energies[i].data<double>().ToArray().Zip([1, energy, 1]), pair => Assert.Equal(pair.Second, pair.First, 1e-9));
            written.zero_();
        }

        Assert.True(sinks.eq(0).all().item<bool>() && tails.eq(0).all().item<bool>(), "Other rows were written.");
    }

    [Fact]
    public void Arguments_AreAsLongAsTheKernelsReadThem() =>
        Assert.Equal((40, 72), (Marshal.SizeOf<HeadKernels.RotateArguments>(), Marshal.SizeOf<HeadKernels.AppendArguments>()));

    private static bool AreEqual(Tensor expected, Tensor actual) => expected.eq(actual).all().item<bool>();

    private static void RequireClose(Tensor expected, Tensor actual, double allowed)
    {
        Tensor wide = expected.to(ScalarType.Float32);
        Assert.InRange(((wide - actual.to(ScalarType.Float32)).abs() / wide.abs().clamp_min(1)).max().item<float>(), 0, allowed);
    }
}
