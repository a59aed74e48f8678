using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens;

public class AddedTokenMatcherTests
{
    private static string[] Split(string text, params AddedToken[] tokens)
    {
        var pieces = new List<TextPiece>();
        new AddedTokenMatcher([.. tokens.Select(token => (token.Content, token))]).Split(text, pieces);
        return [.. pieces.Select(piece => $"{(piece.Token is null ? "" : "!")}{text.AsSpan(piece.Start, piece.Length)}")];
    }

    [Fact]
    public void LongestTokenOfTheLeftmost_Matches() =>
        Assert.Equal(["x", "!abc", "b", "!ab"], Split("xabcbab", new(0, "ab"), new(1, "abc"), new(2, "cba")));

    [Fact]
    public void SingleWord_DoesNotMatchBesideWordCharacters() =>
        Assert.Equal(["!ab", " xab ab𝒳 ab_ ", "!ab", "."], Split("ab xab ab𝒳 ab_ ab.", new AddedToken(0, "ab") { SingleWord = true }));

    [Fact]
    public void StrippingTokens_TakeTheWhiteSpaceBesideThem()
    {
        Assert.Equal(["a", "! \n<t>", " b"], Split("a \n<t> b", new AddedToken(0, "<t>") { LeftStrip = true }));
        Assert.Equal(["a ", "!<t> \n", "b"], Split("a <t> \nb", new AddedToken(0, "<t>") { RightStrip = true }));
        Assert.Equal(["!<t> ", "!<t>"], Split("<t> <t>", new AddedToken(0, "<t>") { LeftStrip = true, RightStrip = true }));
    }

    [Fact]
    public void NoTokens_LeaveTheText() => Assert.Equal(["text"], Split("text"));
}
