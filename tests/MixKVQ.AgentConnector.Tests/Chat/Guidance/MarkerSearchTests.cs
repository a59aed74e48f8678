using System.Text;
using CsCheck;
using MixKVQ.AgentConnector.Chat.Guidance;

namespace MixKVQ.AgentConnector.Tests.Chat.Guidance;

public sealed class MarkerSearchTests
{
    [Fact]
    public void FirstEnd_IsFoundHoweverTheTextIsCut() => Gen.Select(Gen.String[Gen.Char["ab"], 1, 6], Gen.String[Gen.Char["ab"], 0, 40], Gen.Int[1, 5]).Sample((marker, text, step) =>
    {
        var search = new MarkerSearch(Encoding.UTF8.GetBytes(marker));
        int found = -1;
        for (int start = 0; start < text.Length && found < 0; start += step)
        {
            int end = search.Read(Encoding.UTF8.GetBytes(text[start..Math.Min(text.Length, start + step)]));
            found = end < 0 ? -1 : start + end;
        }

        int expected = text.IndexOf(marker, StringComparison.Ordinal);
        Assert.Equal(expected < 0 ? -1 : expected + marker.Length, found);
        if (found < 0)
        {
            int longest = Enumerable.Range(0, marker.Length).Last(length => text.EndsWith(marker[..length], StringComparison.Ordinal));
            Assert.Equal(longest, search.MatchedBytes);
        }
    });
}
