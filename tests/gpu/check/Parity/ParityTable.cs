using System.Globalization;

namespace MixKVQ.AgentConnector.GpuCheck.Parity;

/// <summary>Prints comparisons as they are made, each against its bar.</summary>
internal sealed class ParityTable
{
    private readonly CheckReport _report;

    /// <param name="report">Where it is printed.</param>
    public ParityTable(CheckReport report)
    {
        _report = report;
        report.Table("kernel", "case", "largest / mean difference", "bar", "");
    }

    /// <summary>Prints a comparison.</summary>
    /// <param name="kernel">What was compared.</param>
    /// <param name="about">In which case.</param>
    /// <param name="difference">What came out.</param>
    /// <param name="bar">What the largest difference may be.</param>
    public void Add(string kernel, string about, Difference difference, double bar) =>
        _report.Row(kernel, about, difference.Text, bar.ToString("E1", CultureInfo.InvariantCulture),
            _report.Require(difference.Largest <= bar, $"{kernel}, {about}: the largest difference is {difference.Text}."));

    /// <summary>Prints that a comparison could not be made: a failure, unless the kernel says that it does not take such a shape.</summary>
    public void Add(string kernel, string about, Exception fault)
    {
        if (fault is NotSupportedException)
        {
            _report.Row(kernel, about, "–", "–", $"not supported: {fault.Message}");
            return;
        }

        _report.Row(kernel, about, fault.GetType().Name, "–", _report.Require(false, $"{kernel}, {about}: {fault.Message}"));
    }
}
