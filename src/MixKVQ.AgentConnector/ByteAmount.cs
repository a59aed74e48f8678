using System.Globalization;

namespace MixKVQ.AgentConnector;

/// <summary>Amounts of memory as people write them: <c>12GiB</c>, <c>500MB</c>, <c>1048576</c>, or a share such as <c>25%</c>.</summary>
internal static class ByteAmount
{
    /// <summary>What an amount may look like, for messages.</summary>
    public const string Forms = "a size such as 12GiB, 500MB or 1048576 (bytes)";

    private static readonly (string Name, long Bytes)[] Units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("B", 1), ("", 1),
    ];

    /// <summary>Reads a size of at least one byte.</summary>
    public static bool TryParseSize(string? text, out long bytes)
    {
        bytes = 0;
        ReadOnlySpan<char> trimmed = text.AsSpan().Trim();
        foreach ((string name, long unit) in Units)
        {
            if (trimmed.EndsWith(name, StringComparison.OrdinalIgnoreCase))
            {
                return TryParseNumber(trimmed[..^name.Length], out double number) && TryRound(number * unit, out bytes);
            }
        }

        return false;
    }

    /// <summary>Reads a share above 0 % and at most 100 %, or a size.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="wholeBytes">What shares are of.</param>
    /// <param name="bytes">The bytes it comes to.</param>
    public static bool TryParseSizeOrShare(string? text, long wholeBytes, out long bytes)
    {
        ReadOnlySpan<char> trimmed = text.AsSpan().Trim();
        if (!trimmed.EndsWith("%"))
        {
            return TryParseSize(text, out bytes);
        }

        bytes = 0;
        return TryParseNumber(trimmed[..^1], out double percent) && percent is > 0 and <= 100 && TryRound(wholeBytes * (percent / 100), out bytes);
    }

    private static bool TryParseNumber(ReadOnlySpan<char> text, out double number) =>
        double.TryParse(text.TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number);

    private static bool TryRound(double exact, out long bytes)
    {
        bytes = exact is >= 1 and < long.MaxValue ? (long)exact : 0;
        return bytes > 0;
    }
}
