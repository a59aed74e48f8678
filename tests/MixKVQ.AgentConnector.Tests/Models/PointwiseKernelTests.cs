using MixKVQ.AgentConnector.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models;

/// <summary>The CPU's small operations against Torch's; widths leave ragged vector tails.</summary>
public sealed class PointwiseKernelTests(ITestOutputHelper output)
{
    public static TheoryData<ScalarType, int> Cases { get; } = new MatrixTheoryData<ScalarType, int>([ScalarType.Float32, ScalarType.BFloat16], [2, 14, 64, 130]);

    [Theory]
    [MemberData(nameof(Cases))]
    public void RmsNorm_AgreesWithTorch(ScalarType dtype, int width)
    {
        using var scope = NewDisposeScope();
        Tensor rows = (randn(3, width) * 4).to(dtype);
        Tensor weight = randn(width);
        RequireClose(new TorchPointwise().RmsNorm(rows, weight, 1e-6f), new CpuPointwise().RmsNorm(rows, weight, 1e-6f));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void NormAndRotate_AgreesWithTorch(ScalarType dtype, int headDim)
    {
        using var scope = NewDisposeScope();
        Tensor rotation = randn(3, headDim);
        foreach (Tensor? weight in new[] { null, randn(headDim) })
        {
            Tensor projected = randn(3, 7 * headDim).to(dtype);
            Tensor heads = projected.narrow(1, 2 * headDim, 4 * headDim).view(3, 4, headDim);
            Tensor others = projected.narrow(1, 0, 2 * headDim).clone();

            Tensor expected = new TorchPointwise().NormAndRotate(heads.clone(), weight, 1e-6f, rotation);
            Tensor actual = new CpuPointwise().NormAndRotate(heads, weight, 1e-6f, rotation);

            RequireClose(expected, actual);
            Assert.True(projected.narrow(1, 0, 2 * headDim).eq(others).all().item<bool>());
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void SiluGate_AgreesWithTorch(ScalarType dtype, int width)
    {
        using var scope = NewDisposeScope();
        Tensor gateAndUp = (randn(3, 2 * width) * 5).to(dtype);
        RequireClose(new TorchPointwise().SiluGate(gateAndUp), new CpuPointwise().SiluGate(gateAndUp));
    }

    [Fact]
    public void SiluGate_KeepsExtremesAndNaN()
    {
        using var scope = NewDisposeScope();
        Tensor gateAndUp = tensor(new float[,] { { -1e30f, 1e30f, float.NaN, 0, 1, 1, 1, 1 } });
        float[] values = new CpuPointwise().SiluGate(gateAndUp).data<float>().ToArray();
        Assert.Equal([0f, 1e30f, float.NaN, 0f], values);
        Assert.True(float.IsNaN(new CpuPointwise().SiluGate(gateAndUp.to(ScalarType.BFloat16)).to(ScalarType.Float32)[0, 2].item<float>()));
    }

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
