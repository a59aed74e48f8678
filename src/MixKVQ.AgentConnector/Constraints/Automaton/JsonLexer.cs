namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>
/// Where a byte of a JSON string stands within a character: well-formed UTF-8 (Unicode Standard, table 3-7) and the escapes
/// of RFC 8259, section 7, without those of surrogates.
/// </summary>
internal static class JsonLexer
{
    public const int Plain = 0;

    /// <summary>After a backslash.</summary>
    public const int Escape = 1;

    private const int HexFirst = 2;
    private const int HexSecond = 3;

    /// <summary>After "\ud": the next digit must keep away from surrogates.</summary>
    private const int HexAfterD = 4;
    private const int HexThird = 5;
    private const int HexFourth = 6;

    /// <summary>Within a character of several bytes: bits 21 and 22 say how many come, the lower ones hold the value so far.</summary>
    private const int UtfShift = 21;

    private const int UtfValue = (1 << UtfShift) - 1;

    public static bool IsUtf(int lexical) => lexical >= 1 << UtfShift;

    /// <summary>How many bytes a character of several bytes still needs.</summary>
    public static int UtfRemaining(int lexical) => lexical >> UtfShift;

    /// <summary>The fewest bytes that complete the character.</summary>
    public static int Missing(int lexical) => lexical switch
    {
        Plain => 0,
        Escape or HexFourth => 1,
        HexFirst => 4,
        HexSecond or HexAfterD => 3,
        HexThird => 2,
        _ => UtfRemaining(lexical),
    };

    /// <summary>The place after the first byte of a character that is no quote; -1 if none begins so.</summary>
    public static int Begin(byte value) => value switch
    {
        < 0x20 or (byte)'"' => -1,
        (byte)'\\' => Escape,
        < 0x80 => Plain,
        >= 0xC2 and < 0xE0 => (1 << UtfShift) | (value & 0x1F),
        >= 0xE0 and < 0xF0 => (2 << UtfShift) | (value & 0x0F),
        >= 0xF0 and < 0xF5 => (3 << UtfShift) | (value & 0x07),
        _ => -1,
    };

    /// <summary>The place after one more byte of an escape; -1 if none goes on so.</summary>
    public static int StepEscape(int lexical, byte value)
    {
        if (lexical == Escape)
        {
            return value == 'u' ? HexFirst : "\"\\/bfnrt"u8.Contains(value) ? Plain : -1;
        }

        bool isHex = value is (>= (byte)'0' and <= (byte)'9') or (>= (byte)'a' and <= (byte)'f') or (>= (byte)'A' and <= (byte)'F');
        return !isHex ? -1 : lexical switch
        {
            HexFirst => value is (byte)'d' or (byte)'D' ? HexAfterD : HexSecond,
            HexSecond => HexThird,
            HexAfterD => value <= '7' ? HexThird : -1,
            HexThird => HexFourth,
            _ => Plain,
        };
    }

    /// <summary>One more byte of a character of several; -1 if none goes on so, <see cref="Plain"/> when it is complete.</summary>
    public static int StepUtf(int lexical, byte value, out int codePoint)
    {
        int remaining = UtfRemaining(lexical);
        codePoint = lexical & UtfValue;
        bool fits = (value & 0xC0) == 0x80 && (remaining, codePoint) switch
        {
            (2, 0) => value >= 0xA0,
            (2, 0x0D) => value < 0xA0,
            (3, 0) => value >= 0x90,
            (3, 4) => value < 0x90,
            _ => true,
        };
        codePoint = (codePoint << 6) | (value & 0x3F);
        return !fits ? -1 : remaining == 1 ? Plain : ((remaining - 1) << UtfShift) | codePoint;
    }

    /// <summary>The first and last characters that a started one can become.</summary>
    public static (int First, int Last) Range(int lexical)
    {
        int remaining = UtfRemaining(lexical);
        int value = lexical & UtfValue;
        int first = value << (6 * remaining);
        int last = first | ((1 << (6 * remaining)) - 1);
        return (remaining, value) switch
        {
            (2, 0) => (0x800, last),
            (2, 0x0D) => (first, 0xD7FF),
            (3, 0) => (0x10000, last),
            (3, 4) => (first, 0x10FFFF),
            _ => (first, last),
        };
    }

    /// <summary>Forgets the value of a started character as far as it does not matter for what may follow.</summary>
    public static int WithoutValue(int lexical)
    {
        int remaining = UtfRemaining(lexical);
        int value = lexical & UtfValue;
        bool matters = (remaining, value) is (2, 0) or (2, 0x0D) or (3, 0) or (3, 4);
        return matters ? lexical : (remaining << UtfShift) | 1;
    }
}
