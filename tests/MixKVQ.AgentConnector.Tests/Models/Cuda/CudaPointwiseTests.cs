using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Models.Cuda;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Tests.Native.Cuda.Emulation;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models.Cuda;

/// <summary>The device's small operations against Torch's; widths leave ragged chunks, or none.</summary>
public sealed class CudaPointwiseTests(ITestOutputHelper output)
{
    private static readonly ScalarType[] Types = [ScalarType.Float32, ScalarType.BFloat16];

    // Below a chunk, ragged, whole chunks, more chunks than a block has threads.
    public static TheoryData<ScalarType, int> Widths { get; } = new MatrixTheoryData<ScalarType, int>(Types, [2, 14, 64, 130, 4608]);

    public static TheoryData<ScalarType, int> HeadDims { get; } = new MatrixTheoryData<ScalarType, int>(Types, [8, 24, 128]);

    [Theory]
    [MemberData(nameof(Widths))]
    public void RmsNorm_AgreesWithTorch(ScalarType dtype, int width)
    {
        using var scope = NewDisposeScope();
        Tensor rows = (randn(3, width) * 4).to(dtype);
        Tensor weight = randn(width);
        RequireClose(new TorchPointwise().RmsNorm(rows, weight, 1e-6f), Pointwise(dtype, 8).RmsNorm(rows, weight, 1e-6f));
    }

    [Theory]
    [MemberData(nameof(HeadDims))]
    public void NormAndRotate_AgreesWithTorch(ScalarType dtype, int headDim)
    {
        using var scope = NewDisposeScope();
        Tensor rotation = randn(3, headDim);
        foreach (Tensor? weight in new[] { null, randn(headDim) })
        {
            Tensor projected = randn(3, 8 * headDim).to(dtype);
            Tensor heads = projected.narrow(1, 2 * headDim, 5 * headDim).view(3, 5, headDim);
            Tensor[] others = [projected.narrow(1, 0, 2 * headDim), projected.narrow(1, 7 * headDim, headDim)];
            Tensor[] before = [.. others.Select(part => part.clone())];

            Tensor expected = new TorchPointwise().NormAndRotate(heads.clone(), weight, 1e-6f, rotation);
            Tensor actual = Pointwise(dtype, headDim).NormAndRotate(heads, weight, 1e-6f, rotation);

            RequireClose(expected, actual);
            Assert.All(others.Zip(before), pair => Assert.True(AreEqual(pair.First, pair.Second)));
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void SiluGate_AgreesWithTorch(ScalarType dtype, int width)
    {
        using var scope = NewDisposeScope();
        Tensor gateAndUp = (randn(3, 2 * width) * 5).to(dtype);
        RequireClose(new TorchPointwise().SiluGate(gateAndUp), Pointwise(dtype, 8).SiluGate(gateAndUp));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Embed_GathersRows(ScalarType dtype, int width)
    {
        Require();
        using var scope = NewDisposeScope();
        Tensor table = randn(11, width).to(dtype);
        Tensor ids = tensor([7, 0, 10, 7]), result = zeros(5, width, dtype: dtype);
        new PointwiseKernels(new EmulatedDevice(), dtype).Embed(
            TensorMemory.DataPointer(table), TensorMemory.DataPointer(ids), TensorMemory.DataPointer(result), 4, width);
        Assert.True(AreEqual(table.index_select(0, ids), result.narrow(0, 0, 4)));
        Assert.True(AreEqual(zeros(width, dtype: dtype), result[4]));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void SiluGate_KeepsExtremesAndNaN(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        Tensor gateAndUp = tensor(new float[,] { { -1e30f, 1e30f, float.NaN, 0, 1, 1, 1, 1 } }).to(dtype);
        Tensor expected = tensor(new float[,] { { 0, 1e30f, float.NaN, 0 } }).to(dtype);
        Assert.Equal(expected.to(ScalarType.Float32).data<float>().ToArray(), Pointwise(dtype, 8).SiluGate(gateAndUp).to(ScalarType.Float32).data<float>().ToArray());
    }

    private static CudaPointwise Pointwise(ScalarType dtype, int headDim)
    {
        Require();
        using var tiny = new TinyModel($$"""{ "head_dim": {{headDim}} }""");
        return new CudaPointwise(new EmulatedDevice(), ModelConfig.Load(tiny.Folder), dtype);
    }

    private static void Require() => Assert.SkipWhen(EmulatedDevice.Obstacle is not null, EmulatedDevice.Obstacle ?? "");

    private static bool AreEqual(Tensor expected, Tensor actual) => expected.eq(actual).all().item<bool>();

    private void RequireClose(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.Equal(expected.dtype, actual.dtype);
        Tensor difference = (expected.to(ScalarType.Float32) - actual.to(ScalarType.Float32)).abs();
        // One unit in the last place of a bfloat16 is 2^-7 of its value at most.
        double allowed = expected.dtype == ScalarType.BFloat16 ? 1.0 / 128 : 2e-6;
        Tensor relative = difference / expected.to(ScalarType.Float32).abs().clamp_min(1);
        output.WriteLine($"max {difference.max().item<float>():e2}, mean {difference.mean().item<float>():e2}");
        Assert.InRange(relative.max().item<float>(), 0, allowed);
    }
}
