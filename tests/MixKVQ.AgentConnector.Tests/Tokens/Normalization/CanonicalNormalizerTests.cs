using CsCheck;
using MixKVQ.AgentConnector.Tokens.Normalization;

namespace MixKVQ.AgentConnector.Tests.Tokens.Normalization;

public class CanonicalNormalizerTests
{
    /// <summary>Cases of Unicode Standard Annex #15 and of its conformance test.</summary>
    [Theory]
    [InlineData("e\u0301", "\u00E9", "e\u0301")]
    [InlineData("\u212B", "\u00C5", "A\u030A")]
    [InlineData("\u2126", "\u03A9", "\u03A9")]
    [InlineData("\u1E9B\u0323", "\u1E9B\u0323", "\u017F\u0323\u0307")]
    [InlineData("d\u0307\u0323", "\u1E0D\u0307", "d\u0323\u0307")]
    [InlineData("\u0344", "\u0308\u0301", "\u0308\u0301")]
    [InlineData("\u0958", "\u0915\u093C", "\u0915\u093C")]
    [InlineData("\u1112\u1161\u11AB", "\uD55C", "\u1112\u1161\u11AB")]
    [InlineData("\uAC00\u11A8", "\uAC01", "\u1100\u1161\u11A8")]
    [InlineData("\uAC00\u11A7", "\uAC00\u11A7", "\u1100\u1161\u11A7")]
    [InlineData("\uD834\uDD5E", "\uD834\uDD57\uD834\uDD65", "\uD834\uDD57\uD834\uDD65")]
    [InlineData("\uF900", "\u8C48", "\u8C48")]
    [InlineData("\u0CC6\u0CC2\u0CD5", "\u0CCB", "\u0CC6\u0CC2\u0CD5")]
    [InlineData("\u0B47\u0300\u0B3E", "\u0B47\u0300\u0B3E", "\u0B47\u0300\u0B3E")]
    [InlineData("plain", "plain", "plain")]
    public void KnownCases_AreNormalized(string text, string composed, string decomposed)
    {
        Assert.Equal(composed, CanonicalNormalizer.Nfc.Normalize(text));
        Assert.Equal(decomposed, CanonicalNormalizer.Nfd.Normalize(text));
    }

    [Fact]
    public void Forms_AreStableAndAgree() =>
        RandomText.WellFormed.Sample(text =>
        {
            string composed = CanonicalNormalizer.Nfc.Normalize(text);
            string decomposed = CanonicalNormalizer.Nfd.Normalize(text);
            Assert.Equal(composed, CanonicalNormalizer.Nfc.Normalize(composed));
            Assert.Equal(composed, CanonicalNormalizer.Nfc.Normalize(decomposed));
            Assert.Equal(decomposed, CanonicalNormalizer.Nfd.Normalize(composed));
        });

    [Fact]
    public void ManyMarksOnOneLetter_TakeNoQuadraticTime()
    {
        string marks = string.Concat(Enumerable.Repeat("\u0301\u0323", 100_000));
        Assert.StartsWith("\u1EA1\u0323", CanonicalNormalizer.Nfc.Normalize("a" + marks), StringComparison.Ordinal);
    }
}
