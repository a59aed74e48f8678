using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Threading;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models;

public sealed class Int8MatrixTests : IDisposable
{
    private readonly WorkerTeam _team = new(2);

    public void Dispose() => _team.Dispose();

    [Theory]
    [InlineData(ScalarType.Float32, 50, 37)]
    [InlineData(ScalarType.BFloat16, 40, 64)]
    // Several blocks.
    [InlineData(ScalarType.BFloat16, 600, 4096)]
    public void Multiply_IsTheProductWithTheRowsRead(ScalarType dtype, int outputs, int inputs)
    {
        using var scope = NewDisposeScope();
        using var matrix = new Int8Matrix(outputs, inputs, dtype, _team);
        matrix.Write(0, randn(outputs / 2, inputs).to(dtype), "a");
        matrix.Write(outputs / 2, randn(outputs / 2, inputs).to(ScalarType.Float32), "b");
        Tensor input = randn(3, inputs).to(dtype), bias = randn(outputs).to(dtype);
        Tensor rows = matrix.Rows(arange(outputs, ScalarType.Int64));
        Assert.Equal(dtype, rows.dtype);
        foreach (Tensor? given in new[] { null, bias })
        {
            Tensor difference = (nn.functional.linear(input, rows, given) - matrix.Multiply(input, given)).abs().max();
            Assert.InRange(difference.to(ScalarType.Float32).item<float>(), 0, dtype == ScalarType.BFloat16 ? 1 : 1e-4);
        }

        float[] row = new float[inputs];
        matrix.ReadRow(outputs - 1, row);
        Tensor exact = tensor(row).to(dtype);
        Assert.True(exact.eq(rows[outputs - 1]).all().item<bool>());
    }

    [Fact]
    public void ColumnEnergies_AreTheSumsOfSquares()
    {
        using var scope = NewDisposeScope();
        using var matrix = new Int8Matrix(20, 6, ScalarType.Float32, _team);
        matrix.Write(0, randn(20, 6), "a");
        Tensor rows = matrix.Rows(arange(20, ScalarType.Int64));
        Assert.True(matrix.ColumnEnergies().allclose((rows * rows).sum([0L])));
    }

    [Fact]
    public void Write_RefusesWhatIsNotFiniteByName()
    {
        using var matrix = new Int8Matrix(20, 6, ScalarType.Float32, _team);
        using Tensor values = ones(20, 6);
        values[17, 3] = float.NaN;
        var error = Assert.Throws<InvalidDataException>(() => matrix.Write(0, values, "model.norm"));
        Assert.Contains("Row 17 of model.norm", error.Message, StringComparison.Ordinal);
    }
}
