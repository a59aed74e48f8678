using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Conversations;

public sealed class TokenLogTests
{
    [Fact]
    public void EqualText_TakesTheRecordedIds()
    {
        TokenLog log = Log(Added("<s>", 100), Text("user\nthe", 1, 2));
        log.Append([Added("<a>", 101), Text("then", 3)]);
        TokenLog rebased = log.Rebase([Added("<s>", 100), Text("user\nthe", 1, 2), Added("<a>", 101), Text("then", 7, 8), Added("<e>", 102), Text("x", 9)], out int shared);

        Assert.Equal(5, shared);
        Assert.Equal([100, 1, 2, 101, 3, 102, 9], rebased.Range(0, rebased.Count));
    }

    [Fact]
    public void GeneratedText_JoinsThePromptTextBeforeIt()
    {
        ModelTokenizer tokenizer = TinyTokenizer.Load();
        int end = tokenizer.FindAddedToken("<|im_end|>")!.Value;
        var log = new TokenLog();
        log.Append(tokenizer.EncodePrompt("<|im_start|>assistant\n"));
        int promptTokens = log.Count;

        // "the" byte by byte: other ids than its encoding.
        int[] generated = [.. "the".SelectMany(c => tokenizer.EncodeText(c.ToString()))];
        log.AppendGenerated(generated, tokenizer);
        TokenLog rebased = log.Rebase(tokenizer.EncodePrompt("<|im_start|>assistant\nthe<|im_end|>\n"), out int shared);

        Assert.Equal(promptTokens + 3, shared);
        Assert.Equal([.. log.Range(0, log.Count), end], rebased.Range(0, log.Count + 1));
    }

    [Fact]
    public void FirstDifferentSegment_CountsItsCommonIds()
    {
        TokenLog log = Log(Added("<s>", 100), Text("abcd", 1, 2, 3, 4));
        TokenLog rebased = log.Rebase([Added("<s>", 100), Text("abxd", 1, 2, 9, 4)], out int shared);
        Assert.Equal(3, shared);
        Assert.Equal([100, 1, 2, 9, 4], rebased.Range(0, rebased.Count));
    }

    [Fact]
    public void TextThatSpellsAnAddedToken_IsNotTheToken()
    {
        TokenLog log = Log(Added("<s>", 100), Text("x", 1));
        log.Rebase([Text("<s>", 5, 6), Text("x", 1)], out int shared);
        Assert.Equal(0, shared);
    }

    [Fact]
    public void Clone_GrowsOnItsOwn()
    {
        TokenLog log = Log(Text("a", 1));
        TokenLog clone = log.Clone();
        clone.Append([Text("b", 2)]);
        Assert.Equal(1, log.Count);
        Assert.Equal([1, 2], clone.Range(0, 2));
    }

    private static TokenLog Log(params PromptSegment[] segments)
    {
        var log = new TokenLog();
        log.Append(segments);
        return log;
    }

    private static PromptSegment Added(string text, int id) => new(text, [id], true);

    private static PromptSegment Text(string text, params int[] ids) => new(text, ids, false);
}
