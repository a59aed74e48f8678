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
            iter: 3000);
        Assert.InRange(matched, all / 10, all * 9 / 10);
    }

    /// <summary>.NET reads <c>$</c> before a last line feed as the end too: that is put right.</summary>
    private static Regex Oracle(string pattern) =>
        new(pattern.Replace("$", @"(?!\n)$", StringComparison.Ordinal), RegexOptions.ECMAScript, TimeSpan.FromSeconds(5));
}
