using System.Text;
using MixKVQ.AgentConnector.Chat.Guidance;
using MixKVQ.AgentConnector.Tests.Conversations;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Chat.Guidance;

public sealed class ThoughtLimiterTests
{
    private static readonly ModelTokenizer Tokenizer = TinyTokenizer.Load();

    [Theory]
    [InlineData(0, "")]
    [InlineData(1, "")]
    [InlineData(20, "aaaaaaaaaaaaaaaa\n")]
    public void Thought_IsClosedWithinItsLimit(int limit, string expectedThought)
    {
        string text = Think(new ThoughtLimiter(Tokenizer, limit), _ => "a", out int tokens);
        Assert.Equal(expectedThought + "</think>\n\n", text);
        Assert.InRange(tokens, 0, Math.Max(limit, 3));
    }

    [Fact]
    public void Thought_NearItsLimit_EndsWithASentence()
    {
        string text = Think(new ThoughtLimiter(Tokenizer, 100), i => i % 10 == 9 ? "." : "a", out int tokens);
        Assert.EndsWith("aaaaaaaaa.\n</think>\n\n", text, StringComparison.Ordinal);
        Assert.InRange(tokens, 85, 100);
    }

    [Fact]
    public void Thought_WithoutALimit_EndsWhereTheModelEndsIt()
    {
        string text = Think(new ThoughtLimiter(Tokenizer, null), i => i < 500 ? "." : "</think>", out int tokens);
        Assert.Equal(501, tokens);
        Assert.EndsWith("..</think>", text, StringComparison.Ordinal);
    }

    private static string Think(ThoughtLimiter limiter, Func<int, string> write, out int tokens)
    {
        var text = new StringBuilder();
        for (tokens = 1; tokens < 1000; tokens++)
        {
            int id = limiter.Force() ?? Tokenizer.EncodePrompt(write(tokens - 1)).Single().TokenIds.Single();
            text.Append(Tokenizer.Decode([id]));
            if (limiter.Accept(id, out _))
            {
                break;
            }
        }

        return text.ToString();
    }
}
