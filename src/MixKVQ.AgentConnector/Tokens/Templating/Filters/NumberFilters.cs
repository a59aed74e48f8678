using System.Globalization;
using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating.Filters;

/// <summary>Filters that give numbers.</summary>
internal static class NumberFilters
{
    // Longer texts are no number that a template means; the bound keeps parsing short.
    private const int LongestNumber = 400;
    private const int MaxPrecision = 15;

    public static Dictionary<string, TemplateFilter> All { get; } = new()
    {
        ["int"] = (run, operand, arguments) => ToInteger(run, operand, arguments),
        ["float"] = (run, operand, arguments) => ToFloat(run, operand, arguments),
        ["abs"] = (run, operand, _) => Like(operand, Math.Abs(Number(run, operand))),
        ["round"] = Round,
    };

    private static TemplateValue ToInteger(TemplateRun run, TemplateValue operand, CallArguments arguments) => operand switch
    {
        StringValue text => Parse(text.Text, allowsFraction: false) is double value ? NumberValue.Integer(value) : arguments.Find(0, "default") ?? NumberValue.Integer(0),
        NumberValue { IsInteger: true } => operand,
        _ => NumberValue.Integer(Math.Truncate(Number(run, operand))),
    };

    private static TemplateValue ToFloat(TemplateRun run, TemplateValue operand, CallArguments arguments) => operand switch
    {
        StringValue text => Parse(text.Text, allowsFraction: true) is double value ? NumberValue.Float(value) : arguments.Find(0, "default") ?? NumberValue.Float(0),
        _ => NumberValue.Float(Number(run, operand)),
    };

    private static NumberValue Round(TemplateRun run, TemplateValue operand, CallArguments arguments)
    {
        int precision = Math.Clamp(arguments.Integer(0, "precision", 0), 0, MaxPrecision);
        double value = Number(run, operand);
        double scale = Math.Pow(10, precision);
        return NumberValue.Float(arguments.Text(1, "method", "common") switch
        {
            "ceil" => Math.Ceiling(value * scale) / scale,
            "floor" => Math.Floor(value * scale) / scale,
            _ => Math.Round(value, precision, MidpointRounding.ToEven),
        });
    }

    private static double Number(TemplateRun run, TemplateValue operand)
        => ValueComparison.Number(operand) ?? throw run.Error($"a filter of numbers is applied to {operand.Kind}");

    private static NumberValue Like(TemplateValue operand, double value)
        => operand is NumberValue { IsInteger: false } ? NumberValue.Float(value) : NumberValue.Integer(value);

    /// <summary>The number with which a text begins, as JavaScript's parseInt and parseFloat find it.</summary>
    private static double? Parse(string text, bool allowsFraction)
    {
        ReadOnlySpan<char> rest = TextRules.TrimStart(text);
        rest = rest[..Math.Min(rest.Length, LongestNumber)];
        int end = rest.Length > 0 && rest[0] is '-' or '+' ? 1 : 0;
        end += Digits(rest[end..]);
        if (allowsFraction && end < rest.Length && rest[end] == '.')
        {
            end += 1 + Digits(rest[(end + 1)..]);
        }

        return double.TryParse(rest[..end], NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
            ? value
            : null;
    }

    private static int Digits(ReadOnlySpan<char> text)
    {
        int other = text.IndexOfAnyExceptInRange('0', '9');
        return other < 0 ? text.Length : other;
    }
}
