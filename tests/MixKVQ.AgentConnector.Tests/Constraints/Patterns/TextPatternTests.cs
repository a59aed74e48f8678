using System.Text.RegularExpressions;
using CsCheck;
using MixKVQ.AgentConnector.Constraints.Patterns;

namespace MixKVQ.AgentConnector.Tests.Constraints.Patterns;

public sealed class TextPatternTests
{
    [Fact]
    public void RandomPatterns_MatchWhatDotNetMatches()
    {
        int matched = 0;
        int all = 0;
        Gen.Select(RandomPattern.Patterns, RandomPattern.Texts.Array[20]).Sample(
            (pattern, texts) =>
            {
                TextPattern compiled = TextPattern.Compile(pattern);
                Regex oracle = Oracle(pattern);
                foreach (string text in texts)
                {
                    bool expected = oracle.IsMatch(text);
                    Interlocked.Increment(ref all);
                    Interlocked.Add(ref matched, expected ? 1 : 0);
                    Assert.True(expected == compiled.IsMatch(text), $"'{pattern}' on '{text}': .NET says {expected}");
                }
            },
            iter: 2000);
        Assert.InRange(matched, all / 10, all * 9 / 10);
    }

    [Theory]
    [InlineData("b", "abc", true)]
    [InlineData("^b", "abc", false)]
    [InlineData("^(?:a|b)$", "a\n", false)]
    [InlineData("(^a|b$)", "axxx", true)]
    [InlineData("(^a|b$)", "xxxb", true)]
    [InlineData("(^a|b$)", "xabx", false)]
    [InlineData("$^", "", true)]
    [InlineData("$^", "a", false)]
    [InlineData("a$b", "ab", false)]
    [InlineData("a^b", "ab", false)]
    [InlineData("^.$", "\u2028", false)]
    [InlineData("^.$", "\U0001F600", true)]
    [InlineData(@"^\ud83d\ude00$", "\U0001F600", true)]
    [InlineData(@"^\u{1F600}{2}$", "\U0001F600\U0001F600", true)]
    [InlineData("^[😀-😂]$", "\U0001F601", true)]
    [InlineData(@"^\s$", "\uFEFF", true)]
    [InlineData(@"^\s$", "\u0085", false)]
    [InlineData(@"^\w$", "é", false)]
    [InlineData(@"^\d$", "\u0663", false)]
    [InlineData(@"^\p{Lu}\p{Letter}\p{gc=Nd}\P{L}$", "Éé3-", true)]
    [InlineData(@"^\p{Lu}$", "é", false)]
    [InlineData(@"^[\p{L}\p{M}' -]+$", "Zoë O'Neil", true)]
    [InlineData(@"^\p{LC}$", "ǅ", true)]
    [InlineData("^[^]$", "\n", true)]
    [InlineData("^a{2,}$", "aaaaa", true)]
    [InlineData("^{a}]$", "{a}]", true)]
    [InlineData(@"^[\b]\0$", "\b\0", true)]
    [InlineData(@"^[\w-.]+$", "a-b.c", true)]
    [InlineData("", "anything", true)]
    public void ATextMatches_AsEcma262Says(string pattern, string text, bool expected) =>
        Assert.Equal(expected, TextPattern.Compile(pattern).IsMatch(text));

    [Fact]
    public void ALoneSurrogate_IsNoText() => Assert.False(TextPattern.Compile("").IsMatch("a\uD800"));

    [Fact]
    public void TheAutomaton_IsMinimal()
    {
        Assert.Equal(1, TextPattern.Compile("(?:a|b|[^ab])*|x{3,7}y").StateCount);
        Assert.Equal(4, TextPattern.Compile("^(?:ab|cb)d$").StateCount);
        Assert.Equal(TextPattern.Compile("^(?:aa|ab|ba|bb)$").StateCount, TextPattern.Compile("^[ab]{2}$").StateCount);
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("a^")]
    [InlineData("$a")]
    public void APatternThatNothingMatches_HasNoStates(string pattern)
    {
        TextPattern compiled = TextPattern.Compile(pattern);
        Assert.True(compiled.IsEmpty);
        Assert.Equal(-1, compiled.Start);
        Assert.False(compiled.IsMatch("a"));
        Assert.True(compiled.Intersect(TextPattern.Compile("a")).IsEmpty);
    }

    [Fact]
    public void EveryState_KnowsItsWayOut() =>
        RandomPattern.Patterns.Sample(
            pattern =>
            {
                TextPattern compiled = TextPattern.Compile(pattern);
                for (int state = 0; state < compiled.StateCount; state++)
                {
                    int[] targets = Targets(compiled, state);
                    bool accepting = compiled.IsAccepting(state);
                    Assert.Equal(accepting ? 0 : targets.Min(compiled.ShortestDistance) + 1, compiled.ShortestDistance(state));
                    int?[] longest = [.. targets.Select(compiled.LongestDistance)];
                    int? expected = longest.Length == 0 ? 0 : longest.Contains(null) ? null : longest.Max() + 1;
                    Assert.Equal(expected, compiled.LongestDistance(state));
                    AssertShortestTextIsAccepted(compiled, state);
                }
            },
            iter: 1000);

    [Theory]
    [InlineData("^[a-z]{3}-[0-9]{2}$", "aaa-00")]
    [InlineData("^[^a-z]$", "A")]
    [InlineData(@"^\W\s$", "! ")]
    [InlineData("^[^ -~]$", "\u00A0")]
    [InlineData(@"^(?:\n{2}|abc)$", "\n\n")]
    [InlineData("x|^$", "")]
    public void TheShortestText_ReadsWell(string pattern, string expected)
    {
        TextPattern compiled = TextPattern.Compile(pattern);
        Assert.Equal(expected, compiled.ShortestText(compiled.Start));
    }

    [Fact]
    public void AnIntersection_AcceptsWhatBothAccept() =>
        Gen.Select(RandomPattern.Patterns, RandomPattern.Patterns, RandomPattern.Texts.Array[20]).Sample(
            (one, other, texts) =>
            {
                TextPattern left = TextPattern.Compile(one);
                TextPattern right = TextPattern.Compile(other);
                TextPattern both = left.Intersect(right);
                Assert.All(texts, text => Assert.Equal(left.IsMatch(text) && right.IsMatch(text), both.IsMatch(text)));
                Assert.Equal(both.StateCount, right.Intersect(left).StateCount);
            },
            iter: 1000);

    [Fact]
    public void AnIntersectionWithAllTexts_ChangesNothing()
    {
        TextPattern pattern = TextPattern.Compile(@"^\p{L}{1,5}$");
        TextPattern same = pattern.Intersect(TextPattern.Compile(""));
        Assert.Equal(pattern.StateCount, same.StateCount);
        Assert.Equal(5, same.LongestDistance(same.Start));
        Assert.True(same.IsMatch("Жé中"));
    }

    /// <summary>
    /// .NET's engine without backtracking, as no pattern takes it long; its <c>\w</c> holds other scripts and its <c>$</c> the place
    /// before a last line feed.
    /// </summary>
    private static Regex Oracle(string pattern) => new(
        pattern.Replace(@"[\w", "[a-zA-Z0-9_", StringComparison.Ordinal).Replace(@"\w", "[a-zA-Z0-9_]", StringComparison.Ordinal)
            .Replace(@"\W", "[^a-zA-Z0-9_]", StringComparison.Ordinal).Replace("$", @"\z", StringComparison.Ordinal),
        RegexOptions.NonBacktracking);

    private static int[] Targets(TextPattern pattern, int state) =>
        [.. Enumerable.Range(0, 0x100).Append(0x2028).Select(codePoint => pattern.Next(state, codePoint)).Where(target => target >= 0).Distinct()];

    private static void AssertShortestTextIsAccepted(TextPattern pattern, int state)
    {
        string text = pattern.ShortestText(state);
        Assert.Equal(pattern.ShortestDistance(state), text.EnumerateRunes().Count());
        int end = text.EnumerateRunes().Aggregate(state, (at, rune) => pattern.Next(at, rune.Value));
        Assert.True(pattern.IsAccepting(end));
    }
}
