namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>The sets that ECMA-262's class escapes and the dot stand for (22.2.2.7 and 22.2.2.9).</summary>
internal static class CharacterSets
{
    public static readonly CodePointSet Digit = CodePointSet.Of(new CodePointRange('0', '9'));

    public static readonly CodePointSet Word = CodePointSet.Of(
        new CodePointRange('0', '9'), new CodePointRange('A', 'Z'), new CodePointRange('_', '_'), new CodePointRange('a', 'z'));

    /// <summary>WhiteSpace and LineTerminator (ECMA-262, 12.2 and 12.3).</summary>
    public static readonly CodePointSet Space = CodePointSet.Of(
        new CodePointRange(0x09, 0x0D), new CodePointRange(0x20, 0x20), new CodePointRange(0xA0, 0xA0), new CodePointRange(0x1680, 0x1680),
        new CodePointRange(0x2000, 0x200A), new CodePointRange(0x2028, 0x2029), new CodePointRange(0x202F, 0x202F), new CodePointRange(0x205F, 0x205F),
        new CodePointRange(0x3000, 0x3000), new CodePointRange(0xFEFF, 0xFEFF));

    /// <summary>All but the line terminators.</summary>
    public static readonly CodePointSet Dot = CodePointSet.Of(
        new CodePointRange('\n', '\n'), new CodePointRange('\r', '\r'), new CodePointRange(0x2028, 0x2029)).Complement();
}
