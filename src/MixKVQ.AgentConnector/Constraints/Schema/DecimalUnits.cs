using System.Globalization;
using System.Text.Json;
using MixKVQ.AgentConnector.Constraints.Automaton;

namespace MixKVQ.AgentConnector.Constraints.Schema;

/// <summary>Numbers of a schema in the units of <see cref="NumberRule"/>.</summary>
internal static class DecimalUnits
{
    /// <summary>Beyond this every number counts alike: none can be written.</summary>
    private const decimal Limit = 10_000_000_000_000_000m;

    private const decimal Unit = 1_000_000_000_000m;

    /// <summary>The units at or below a number.</summary>
    public static Int128 Floor(JsonElement number) => TryRead(number, out decimal value)
        ? (Int128)decimal.Floor(value * Unit)
        : IsTiny(number) ? (IsNegative(number) ? -1 : 0) : Huge(number);

    /// <summary>The units at or above a number.</summary>
    public static Int128 Ceiling(JsonElement number) => TryRead(number, out decimal value)
        ? (Int128)decimal.Ceiling(value * Unit)
        : IsTiny(number) ? (IsNegative(number) ? 0 : 1) : Huge(number);

    /// <summary>The exact units of a number; null where it is finer or greater.</summary>
    public static Int128? Exact(JsonElement number) =>
        TryRead(number, out decimal value) && value * Unit == decimal.Floor(value * Unit) ? (Int128)(value * Unit) : null;

    private static Int128 Huge(JsonElement number) => (IsNegative(number) ? -2 : 2) * NumberRule.MaxUnits;

    private static bool IsNegative(JsonElement number) => number.GetRawText().StartsWith('-');

    private static bool IsTiny(JsonElement number) => number.TryGetDouble(out double value) && Math.Abs(value) < 1;

    private static bool TryRead(JsonElement number, out decimal value) =>
        decimal.TryParse(number.GetRawText(), NumberStyles.Float, CultureInfo.InvariantCulture, out value) && Math.Abs(value) <= Limit &&
        (value != 0 || number.GetDouble() == 0);
}
