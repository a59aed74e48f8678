using System.Globalization;

namespace MixKVQ.AgentConnector.Benchmarks.Measuring;

/// <summary>What one way took.</summary>
/// <param name="Name">The way's name.</param>
/// <param name="Sorted">Milliseconds of each run, ascending.</param>
internal sealed record Timing(string Name, IReadOnlyList<double> Sorted)
{
    /// <summary>The median, in milliseconds.</summary>
    public double Median => Quantile(0.5);

    /// <summary>The median, and the first and last tenths in brackets, in milliseconds.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Digits(Median)} ({Digits(Quantile(0.1))}–{Digits(Quantile(0.9))})");

    private double Quantile(double share) => Sorted[(int)Math.Round(share * (Sorted.Count - 1))];

    private static string Digits(double milliseconds) =>
        milliseconds.ToString(milliseconds < 1 ? "F3" : milliseconds < 100 ? "F2" : "F0", CultureInfo.InvariantCulture);
}
