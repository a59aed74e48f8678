using MixKVQ.AgentConnector.Models.Cpu;
using MixKVQ.AgentConnector.Threading;

namespace MixKVQ.AgentConnector.Tests.Models.Cpu;

public sealed unsafe class ProductJobTests
{
    // Enough for several items of 64 KB.
    private const int Outputs = 1030;
    private const int Inputs = 140;

    [Theory]
    [InlineData(nameof(WeightFormat.Float32), 1)]
    [InlineData(nameof(WeightFormat.BFloat16), 3)]
    [InlineData(nameof(WeightFormat.Int8), 5)]
    public void Jobs_ComputeWhatTheyAreNamedAfter(string format, int vectors)
    {
        var data = new Data(Enum.Parse<WeightFormat>(format));
        using var team = new WorkerTeam(2);
        FloatRows x = Rows(vectors, Inputs, seed: 3), stored = Rows(vectors, Outputs, seed: 4), added = Rows(vectors, Outputs, seed: 4), gated = Rows(vectors, Outputs / 2, seed: 5);

        new StoredProduct(team).Run(data.Matrix, x, stored, vectors, Outputs);
        new AddedProduct(team).Run(data.Matrix, x, added, vectors, Outputs);
        new GatedProduct(team).Run(data.Matrix, x, gated, vectors, Outputs / 2);

        FloatRows before = Rows(vectors, Outputs, seed: 4);
        for (int vector = 0; vector < vectors; vector++)
        {
            for (int row = 0; row < Outputs; row++)
            {
                double expected = data.Product(row, x.Span(vector));
                Assert.Equal(expected, stored.Span(vector)[row], 1e-3);
                Assert.Equal(before.Span(vector)[row] + expected, added.Span(vector)[row], 1e-3);
            }

            for (int row = 0; row < Outputs / 2; row++)
            {
                double gate = data.Product(row, x.Span(vector)), up = data.Product((Outputs / 2) + row, x.Span(vector));
                double expected = gate * up / (1 + Math.Exp(-gate));
                Assert.Equal(expected, gated.Span(vector)[row], 1e-3 * (1 + Math.Abs(expected)));
            }
        }
    }

    [Fact]
    public void Results_HaveTheSameBitsForAnyTeamAndBatch()
    {
        const int Vectors = 6;
        var data = new Data(WeightFormat.BFloat16);
        FloatRows x = Rows(Vectors, Inputs, seed: 3);
        float[] expected = Run(1, Vectors);
        Assert.Equal(expected, Run(2, Vectors));
        Assert.Equal(expected, Run(3, Vectors));
        Assert.Equal(expected[..(2 * Outputs / 2)], Run(2, 2));

        float[] Run(int threads, int vectors)
        {
            using var team = new WorkerTeam(threads);
            FloatRows y = Rows(vectors, Outputs / 2, seed: 5);
            new GatedProduct(team).Run(data.Matrix, x, y, vectors, Outputs / 2);
            return [.. Enumerable.Range(0, vectors).SelectMany(vector => y.Span(vector).ToArray())];
        }
    }

    [Fact]
    public void AFewResults_LeaveTheOthersAlone()
    {
        var data = new Data(WeightFormat.Float32);
        using var team = new WorkerTeam(1);
        FloatRows x = Rows(1, Inputs, seed: 3), y = Rows(1, Outputs, seed: 4), before = Rows(1, Outputs, seed: 4);
        new StoredProduct(team).Run(data.Matrix, x, y, 1, 10);
        Assert.Equal(before.Span(0)[10..], y.Span(0)[10..]);
        Assert.False(before.Span(0)[..10].SequenceEqual(y.Span(0)[..10]));
    }

    private static FloatRows Rows(int count, int width, int seed)
    {
        var rows = new FloatRows(width);
        rows.Reserve(count);
        for (int row = 0; row < count; row++)
        {
            RandomWeights.Floats(width, seed + row).CopyTo(rows.Span(row));
        }

        return rows;
    }

    private sealed class Data
    {
        private readonly double[] _values;
        private readonly float[] _units;
        private readonly float[] _bias = RandomWeights.Floats(Outputs, seed: 8);

        public Data(WeightFormat format)
        {
            (byte[] bytes, _values) = RandomWeights.Of(format, Outputs * Inputs, seed: 7);
            byte[] pinned = GC.AllocateUninitializedArray<byte>(bytes.Length, pinned: true);
            bytes.CopyTo(pinned, 0);
            _pinned = pinned;
            _units = format == WeightFormat.Int8 ? [.. RandomWeights.Floats(Outputs, seed: 9).Select(unit => unit / 63.5f)] : [];
            Matrix = new WeightMatrix((byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref pinned[0]), format, Outputs, Inputs, _units, _bias);
        }

        private readonly byte[] _pinned;

        public WeightMatrix Matrix { get; }

        public double Product(int row, ReadOnlySpan<float> x)
        {
            double sum = 0;
            for (int i = 0; i < Inputs; i++)
            {
                sum += _values[(row * Inputs) + i] * x[i];
            }

            GC.KeepAlive(_pinned);
            return (sum * (_units.Length == 0 ? 1 : _units[row])) + _bias[row];
        }
    }
}
