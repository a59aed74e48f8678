using System.Globalization;
using MixKVQ.AgentConnector.Tokens;
using MixKVQ.AgentConnector.Tokens.PreTokenization;

namespace MixKVQ.AgentConnector.Tests.Tokens.PreTokenization;

public class SplitPreTokenizerTests
{
    private static string[] Split(string pattern, string text, SplitBehavior behavior = SplitBehavior.Isolated, bool invert = false)
    {
        var words = new List<ReadOnlyMemory<char>>();
        new SplitPreTokenizer(new SplitPattern(pattern, "test", SplitPattern.DefaultTimeLimit), behavior, invert).Split(text.AsMemory(), TextPlace.Start, words);
        return [.. words.Select(word => word.ToString())];
    }

    /// <summary>The example of Hugging Face's documentation of SplitDelimiterBehavior.</summary>
    [Theory]
    [InlineData("Removed", "the|final|countdown")]
    [InlineData("Isolated", "the|-|final|-|-|countdown")]
    [InlineData("MergedWithPrevious", "the-|final-|-|countdown")]
    [InlineData("MergedWithNext", "the|-final|-|-countdown")]
    [InlineData("Contiguous", "the|-|final|--|countdown")]
    public void Behaviors_ActAsDocumented(string behavior, string expected) =>
        Assert.Equal(expected.Split('|'), Split("-", "the-final--countdown", Enum.Parse<SplitBehavior>(behavior)));

    [Fact]
    public void Inverted_RemovesWhatLiesBetweenMatches() =>
        Assert.Equal(["12", "3"], Split(@"\d+", "a12b3c", SplitBehavior.Removed, invert: true));

    [Fact]
    public void CharactersBeyondTheBasicPlane_MatchByTheirCategory()
    {
        Assert.Equal(["𝒳𠀀a", " ", "𝟗", "😶\u200D🌫️", " x"], Split(KnownPatterns.Qwen2, "𝒳𠀀a 𝟗😶\u200D🌫️ x"));
        Assert.Equal(["a", "😶", "b"], Split("[^a-z]", "a😶b"));
    }

    [Theory]
    [InlineData("it's", "it|'s")]
    [InlineData("IT'LL'ſ", "IT|'LL|'ſ")]
    [InlineData("a  b\n\n  c", "a| | b|\n\n| | c")]
    [InlineData("2024", "2|0|2|4")]
    [InlineData("x !!\r\ny", "x| !!\r\n|y")]
    public void QwenPattern_SplitsAsTheModelDoes(string text, string expected) => Assert.Equal(expected.Split('|'), Split(KnownPatterns.Qwen2, text));

    [Fact]
    public void StandIns_HaveTheCategoryTheyStandFor()
    {
        foreach (UnicodeCategory category in Enum.GetValues<UnicodeCategory>())
        {
            if (category is not (UnicodeCategory.Surrogate or UnicodeCategory.Control or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator))
            {
                Assert.Equal(category, CharUnicodeInfo.GetUnicodeCategory(AstralStandIns.For(category)));
            }
        }
    }

    [Fact]
    public void PatternThatBacktracksForEver_IsStopped()
    {
        var pattern = new SplitPattern("^(?:a|b|ab)+$", "tokenizer.json", TimeSpan.FromMilliseconds(20));
        InvalidDataException fault = Assert.Throws<InvalidDataException>(() => pattern.Cut(string.Concat(Enumerable.Repeat("ab", 5000)) + "c", []));
        Assert.Contains("(?:a|b|ab)+", fault.Message, StringComparison.Ordinal);
    }
}
