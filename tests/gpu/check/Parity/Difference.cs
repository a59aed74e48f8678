using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Parity;

/// <summary>How far a result is from what it should be, in shares of the largest element that it should have.</summary>
/// <param name="Largest">The largest difference; infinite where an element is no number.</param>
/// <param name="Mean">The mean difference.</param>
internal sealed record Difference(double Largest, double Mean)
{
    /// <summary>Both, for a table.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Largest:E1} / {Mean:E1}");

    /// <summary>Compares two tensors of as many elements, on any device and of any float type.</summary>
    public static Difference Of(Tensor expected, Tensor actual)
    {
        using var scope = NewDisposeScope();
        Tensor wanted = expected.cpu().to(ScalarType.Float64).flatten();
        Tensor difference = (actual.cpu().to(ScalarType.Float64).flatten() - wanted).abs().nan_to_num(double.PositiveInfinity);
        double scale = Math.Max(wanted.abs().max().item<double>(), 1e-30);
        return new Difference(difference.max().item<double>() / scale, difference.mean().item<double>() / scale);
    }

    /// <summary>The worse of both in each respect.</summary>
    public Difference Or(Difference other) => new(Math.Max(Largest, other.Largest), Math.Max(Mean, other.Mean));
}
