using System.Globalization;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>The part of C's <c>strftime</c> that chat templates use, in English.</summary>
internal static class TimeFormat
{
    /// <summary>The time in a format; unknown directives stay as they are.</summary>
    public static string Format(TemplateRun run, DateTimeOffset time, string format)
    {
        var output = new TemplateOutput(run, isValue: true);
        int position = 0;
        while (position < format.Length)
        {
            int next = format.IndexOf('%', position);
            if (next < 0 || next + 1 == format.Length)
            {
                break;
            }

            output.Append(format[position..next]);
            output.Append(Directive(time, format[next + 1]) ?? format.Substring(next, 2));
            position = next + 2;
        }

        output.Append(format[position..]);
        return output.ToString();
    }

    private static string? Directive(DateTimeOffset time, char directive) => directive switch
    {
        '%' => "%",
        'Y' => Text(time, "yyyy"),
        'y' => Text(time, "yy"),
        'm' => Text(time, "MM"),
        'b' => Text(time, "MMM"),
        'B' => Text(time, "MMMM"),
        'd' => Text(time, "dd"),
        'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'j' => time.DayOfYear.ToString("D3", CultureInfo.InvariantCulture),
        'a' => Text(time, "ddd"),
        'A' => Text(time, "dddd"),
        'H' => Text(time, "HH"),
        'I' => Text(time, "hh"),
        'M' => Text(time, "mm"),
        'S' => Text(time, "ss"),
        'p' => Text(time, "tt"),
        'z' => Text(time, "zzz").Replace(":", "", StringComparison.Ordinal),
        _ => null,
    };

    private static string Text(DateTimeOffset time, string format) => time.ToString(format, CultureInfo.InvariantCulture);
}
