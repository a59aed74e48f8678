using System.Globalization;

namespace MixKVQ.AgentConnector.Tokens.Templating.Values;

/// <summary>An integer or a float. Arithmetic is in double precision, exact for integers up to 2^53.</summary>
internal sealed class NumberValue : TemplateValue
{
    private const int CachedCount = 256;
    private const double LargestPlainInteger = 1e21;
    private static readonly NumberValue[] Cached = [.. Enumerable.Range(0, CachedCount).Select(i => new NumberValue(i, true, null))];

    private readonly string? _literal;

    private NumberValue(double value, bool isInteger, string? literal)
    {
        Value = value;
        IsInteger = isInteger;
        _literal = literal;
    }

    public double Value { get; }

    public bool IsInteger { get; }

    public override string Kind => IsInteger ? "integer" : "float";

    public override bool IsTrue => Value is not 0 and not double.NaN;

    public static NumberValue Integer(double value)
        => value is >= 0 and < CachedCount && value == Math.Floor(value) ? Cached[(int)value] : new NumberValue(value, true, null);

    public static NumberValue Float(double value) => new(value, false, null);

    /// <summary>A number that prints as it was written, so that 1.0, 1e5 and 64-bit ids pass a template unchanged.</summary>
    public static NumberValue FromJson(string literal)
        => new(double.Parse(literal, NumberStyles.Float, CultureInfo.InvariantCulture), literal.AsSpan().IndexOfAny('.', 'e', 'E') < 0, literal);

    /// <summary>As Python prints it: a whole float keeps its <c>.0</c>.</summary>
    public override string ToString()
    {
        if (_literal is not null)
        {
            return _literal;
        }

        bool isPlain = Value == Math.Floor(Value) && Math.Abs(Value) < LargestPlainInteger;
        string text = isPlain
            ? Value.ToString(IsInteger ? "F0" : "F1", CultureInfo.InvariantCulture)
            : Value.ToString(CultureInfo.InvariantCulture).ToLowerInvariant();
        return text == "-0" ? "0" : text;
    }
}
