using CsCheck;
using MixKVQ.AgentConnector.Constraints.Patterns;

namespace MixKVQ.AgentConnector.Tests.Constraints.Patterns;

public sealed class PatternRefusalTests
{
    /// <summary>Memory that refusing a hostile pattern may take, collected on the way or not.</summary>
    private const long MaxBytes = 100_000_000;

    [Theory]
    [InlineData("(?=a)", "lookahead")]
    [InlineData("(?!a)b", "lookahead")]
    [InlineData("(?<=a)b", "lookbehind")]
    [InlineData("(?<!a)b", "lookbehind")]
    [InlineData(@"(a)\1", "backreferences")]
    [InlineData(@"(?<x>a)\k<x>", "backreferences")]
    [InlineData(@"\bword", "word boundaries")]
    [InlineData(@"a\B", "word boundaries")]
    [InlineData("(?i)a", "flags")]
    [InlineData("(?i:a)", "flags")]
    [InlineData(@"\p{Script=Greek}", "Unicode properties")]
    [InlineData(@"\p{Emoji}", "Unicode properties")]
    [InlineData(@"\ud800", "surrogate")]
    public void WhatIsNotSupported_IsNamed(string pattern, string construct)
    {
        NotSupportedException refusal = Assert.Throws<NotSupportedException>(() => TextPattern.Compile(pattern));
        Assert.Contains(construct, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(pattern, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("(a", "never closed")]
    [InlineData("a)", "never opened")]
    [InlineData("[a", "never closed")]
    [InlineData("*a", "nothing")]
    [InlineData("a**", "nothing")]
    [InlineData("a{1}{2}", "nothing")]
    [InlineData("a|+", "nothing")]
    [InlineData("^*", "anchor")]
    [InlineData("a{3,2}", "out of order")]
    [InlineData("[z-a]", "out of order")]
    [InlineData(@"a\", "backslash")]
    [InlineData(@"\A", "no escape")]
    [InlineData(@"\z", "no escape")]
    [InlineData(@"[\h]", "no escape")]
    [InlineData(@"\x1", "hexadecimal")]
    [InlineData(@"\u12", "hexadecimal")]
    [InlineData(@"\u{110000}", "U+10FFFF")]
    [InlineData(@"\u{FFFFFFFFF}", "hexadecimal")]
    [InlineData(@"\u{", "hexadecimal")]
    [InlineData(@"\c1", "letter")]
    [InlineData(@"\01", "octal")]
    [InlineData(@"\pL", "braces")]
    [InlineData(@"\p{L", "braces")]
    [InlineData("(?>a)", "no group")]
    [InlineData("(?P<x>a)", "no group")]
    [InlineData("(?<1 >a)", "name")]
    [InlineData("(?<>a)", "name")]
    public void WhatIsNoExpression_IsRefusedWithItsPlace(string pattern, string reason)
    {
        FormatException refusal = Assert.Throws<FormatException>(() => TextPattern.Compile(pattern));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("at character", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void HalfASurrogatePair_IsRefused() => Assert.Throws<FormatException>(() => TextPattern.Compile("a\ud800"));

    public static TheoryData<string> Explosions =>
    [
        "a{1,1000000}",
        "a{99999999999999999999}",
        "((((a{1000}){1000}){1000}){1000}){1000}",
        "(((((((){1000}){1000}){1000}){1000}){1000}){1000})",
        "((((|){1000}|){1000}|){1000}|){1000}",
        "(?:a|b)*a(?:a|b){40}$",
        "[a-z]{5000}x[a-z]{5000}",
        "(?:a?){3000}a{3000}$",
        new string('(', 5000) + new string(')', 5000).Replace(")", "", StringComparison.Ordinal),
        new string('(', 200) + new string(')', 200),
        new string('a', 100_000),
        string.Concat(Enumerable.Range(0, 600).Select(i => $@"[\p{{L}}{(char)(0x2190 + i)}]{{9}}")),
        $"^(?:{string.Join('|', Enumerable.Range(0x4E00, 190).Select(code => (char)code))}|.){{20000}}$",
    ];

    [Theory]
    [MemberData(nameof(Explosions))]
    public void AnExplosion_IsRefusedBeforeItCostsMuch(string pattern)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Exception? refusal = Record.Exception(() => TextPattern.Compile(pattern));
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, 0, MaxBytes);
        Assert.True(refusal is NotSupportedException or FormatException, $"{refusal}");
    }

    [Fact]
    public void TheLargestTable_IsCompiledWithinTheBoundToo()
    {
        string oneOfMany = string.Join('|', Enumerable.Range(0x4E00, 80).Select(code => (char)code));
        long before = GC.GetAllocatedBytesForCurrentThread();
        TextPattern pattern = TextPattern.Compile($"^(?:{oneOfMany}){{40}}.{{9900}}$");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MaxBytes);
        Assert.Equal(9941, pattern.StateCount);
        Assert.Equal(9940, pattern.LongestDistance(pattern.Start));
    }

    [Fact]
    public void ATooLargeIntersection_IsRefused()
    {
        TextPattern left = TextPattern.Compile("^(?:a{97}b?)*$");
        TextPattern right = TextPattern.Compile("^(?:a{101}b?)*$");
        NotSupportedException refusal = Assert.Throws<NotSupportedException>(
            () => left.Intersect(right).Intersect(TextPattern.Compile("^(?:a{103}b?)*$")));
        Assert.Contains("too large", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RandomCharacters_AreCompiledOrRefused() =>
        Gen.Char["()[]{}*+?|^$\\.-,:=!<>019abcpLudxk"].Array[0, 30].Select(characters => new string(characters)).Sample(
            pattern => Record.Exception(() => TextPattern.Compile(pattern)) is null or FormatException or NotSupportedException,
            iter: 20_000);
}
