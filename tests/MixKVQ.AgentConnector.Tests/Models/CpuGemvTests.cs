using MixKVQ.AgentConnector.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models;

public sealed class CpuGemvTests(ITestOutputHelper output)
{
    public static TheoryData<ScalarType, int, int> Cases { get; } = new()
    {
        { ScalarType.Float32, 1, 1 },
        { ScalarType.Float32, 7, 37 },
        { ScalarType.Float32, 64, 64 },
        { ScalarType.BFloat16, 1, 1 },
        { ScalarType.BFloat16, 7, 37 },
        { ScalarType.BFloat16, 6, 18 },
        { ScalarType.BFloat16, 64, 64 },
        // Large enough for several threads.
        { ScalarType.BFloat16, 2051, 2048 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Multiply_AgreesWithTorchInFloat64(ScalarType dtype, int outputs, int inputs)
    {
        using var scope = NewDisposeScope();
        Tensor weight = (randn(outputs, inputs) / Math.Sqrt(inputs)).to(dtype);
        Tensor input = randn(1, inputs).to(dtype);
        foreach (Tensor? bias in new[] { null, randn(outputs).to(dtype) })
        {
            Tensor expected = nn.functional.linear(input.to(ScalarType.Float64), weight.to(ScalarType.Float64), bias?.to(ScalarType.Float64));

            Tensor exact = CpuGemv.Multiply(weight, bias, input, ScalarType.Float32);
            Tensor rounded = CpuGemv.Multiply(weight, bias, input, dtype);

            Tensor difference = (exact - expected).abs();
            output.WriteLine($"max {difference.max().item<double>():e2}, mean {difference.mean().item<double>():e2}");
            Assert.InRange(difference.max().item<double>(), 0, 1e-5);
            Assert.True(rounded.eq(exact.to(dtype)).all().item<bool>());
            Assert.Equal(dtype, rounded.dtype);
        }
    }
}
