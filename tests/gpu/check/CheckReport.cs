using System.Globalization;

namespace MixKVQ.AgentConnector.GpuCheck;

/// <summary>What was found: printed as it comes, to the screen and to a file, in a form that can be pasted into a document.</summary>
/// <param name="outputs">Where lines go; the caller's.</param>
internal sealed class CheckReport(params IReadOnlyList<TextWriter> outputs)
{
    private readonly List<string> _failures = [];
    private readonly List<string> _missed = [];

    /// <summary>What is wrong.</summary>
    public IReadOnlyList<string> Failures => _failures;

    /// <summary>Bars of speed or size that were not reached.</summary>
    public IReadOnlyList<string> Missed => _missed;

    /// <summary>Prints a line.</summary>
    public void Line(string text = "")
    {
        foreach (TextWriter output in outputs)
        {
            output.WriteLine(text);
            output.Flush();
        }
    }

    /// <summary>Prints a line of numbers.</summary>
    public void Line(FormattableString text) => Line(text.ToString(CultureInfo.InvariantCulture));

    /// <summary>Begins a table, whose rows come by <see cref="Row"/>.</summary>
    public void Table(params IReadOnlyList<string> columns)
    {
        Line();
        Row(columns);
        Line($"|{string.Concat(columns.Select(_ => "---|"))}");
    }

    /// <summary>Prints a row of a table.</summary>
    public void Row(params IReadOnlyList<string> cells) => Line($"| {string.Join(" | ", cells)} |");

    /// <summary>Notes that something is wrong.</summary>
    public void Fail(string text)
    {
        _failures.Add(text);
        Line($"FAILED: {text}");
    }

    /// <summary>Notes that something is wrong, unless it is not.</summary>
    /// <returns>How a table says it.</returns>
    public string Require(bool isRight, string failure)
    {
        if (!isRight)
        {
            _failures.Add(failure);
        }

        return isRight ? "ok" : "FAILED";
    }

    /// <summary>Compares a figure with what it should at least be.</summary>
    public void Bar(string what, double reached, double wanted)
    {
        string text = string.Create(CultureInfo.InvariantCulture, $"{what}: {reached:0.00}, at least {wanted:0.00} wanted");
        Line(reached >= wanted ? $"Reached: {text}." : $"Missed: {text}.");
        if (!(reached >= wanted))
        {
            _missed.Add(text);
        }
    }
}
