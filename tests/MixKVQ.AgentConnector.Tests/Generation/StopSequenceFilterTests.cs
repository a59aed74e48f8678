using System.Text;
using CsCheck;
using MixKVQ.AgentConnector.Generation;

namespace MixKVQ.AgentConnector.Tests.Generation;

public class StopSequenceFilterTests
{
    [Fact]
    public void StopAcrossPieces_IsCutAndNothingFollows()
    {
        StopSequenceFilter filter = new(["END"]);

        Assert.Equal("a", filter.Append("aE", out bool first));
        Assert.Equal("", filter.Append("N", out bool second));
        Assert.Equal("", filter.Append("Dx", out bool third));
        Assert.Equal("", filter.Append("more", out bool fourth));
        Assert.Equal("", filter.Flush());
        Assert.Equal([false, false, true, true], [first, second, third, fourth]);
    }

    [Fact]
    public void BeginningThatCameToNothing_IsReleased()
    {
        StopSequenceFilter filter = new(["aab"]);

        Assert.Equal("", filter.Append("aa", out _));
        Assert.Equal("a", filter.Append("a", out _));
        Assert.Equal("aac", filter.Append("c", out bool stopped));
        Assert.False(stopped);
    }

    [Fact]
    public void Flush_ReturnsWhatIsHeldBack()
    {
        StopSequenceFilter filter = new(["\nUser:"]);

        Assert.Equal("Hello", filter.Append("Hello\nUse", out _));
        Assert.Equal("\nUse", filter.Flush());
    }

    [Fact]
    public void MatchThatEndsFirst_Wins_AndOfThoseTheLongest()
    {
        Assert.Equal("ab", new StopSequenceFilter(["bcde", "c"]).Append("abcde", out _));
        Assert.Equal("a", new StopSequenceFilter(["c", "bc"]).Append("abcde", out _));
    }

    [Fact]
    public void NoStops_PassEverything()
    {
        StopSequenceFilter filter = new([]);

        Assert.Equal("text", filter.Append("text", out bool stopped));
        Assert.False(stopped);
        Assert.Equal("", filter.Flush());
    }

    [Fact]
    public void EmptyStop_IsRefused() => Assert.Throws<ArgumentException>(() => new StopSequenceFilter(["a", ""]));

    [Fact]
    public void AnySplit_GivesWhatSearchingTheWholeTextGives()
    {
        Gen<string> text = Gen.String[Gen.Char["abc"], 0, 30];
        Gen<string[]> stops = Gen.String[Gen.Char["abc"], 1, 4].Array[0, 4];
        Gen.Select(text, stops, Gen.Int[1, 5].Array[31]).Sample((whole, sequences, lengths) =>
        {
            StopSequenceFilter filter = new(sequences);
            StringBuilder released = new();
            bool stopped = false;
            int at = 0;
            foreach (int length in lengths)
            {
                string piece = whole.Substring(at, Math.Min(length, whole.Length - at));
                at += piece.Length;
                released.Append(filter.Append(piece, out stopped));

                // Nothing is released that is not in the result, and what is held could still begin a stop sequence.
                Assert.StartsWith(released.ToString(), Expected(whole, sequences).Text, StringComparison.Ordinal);
            }

            released.Append(filter.Flush());
            Assert.Equal(Expected(whole, sequences), (released.ToString(), stopped));
        });
    }

    private static (string Text, bool Stopped) Expected(string whole, string[] stops)
    {
        for (int end = 1; end <= whole.Length; end++)
        {
            int length = stops.Where(stop => whole[..end].EndsWith(stop, StringComparison.Ordinal)).Select(stop => stop.Length).DefaultIfEmpty().Max();
            if (length > 0)
            {
                return (whole[..(end - length)], true);
            }
        }

        return (whole, false);
    }
}
