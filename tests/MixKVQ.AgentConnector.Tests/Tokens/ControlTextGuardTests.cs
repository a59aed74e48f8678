using CsCheck;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens;

public class ControlTextGuardTests
{
    private static readonly ControlTextGuard Guard = SharedTokenizers.Small.ControlTextGuard;

    [Fact]
    public void Unguard_GivesTheTextBack() =>
        RandomText.Any.Sample(text => Assert.Equal(text, Guard.Unguard(Guard.Guard(text))));

    [Fact]
    public void GuardedTexts_ComeBackSideBySide() =>
        RandomText.Any.Array[0, 4].Sample(texts => Assert.Equal(string.Concat(texts), Guard.Unguard(string.Concat(texts.Select(Guard.Guard)))));

    [Fact]
    public void GuardedText_NeverYieldsAnAddedToken() =>
        RandomText.WellFormed.Sample(text =>
        {
            PromptSegment[] segments = SharedTokenizers.Small.EncodePrompt(Guard.Guard(text));
            Assert.DoesNotContain(segments, segment => segment.IsAdded);
            Assert.Equal(SharedTokenizers.Small.EncodeText(text), segments.SelectMany(segment => segment.TokenIds));
            Assert.Equal(text, string.Concat(segments.Select(segment => segment.Text)));
        });

    [Fact]
    public void TextsSplitAnywhere_MakeNoAddedTokenTogetherOrWithTheTemplate() =>
        Gen.Select(RandomText.OneOf("<|end|>", "<think>", "a<|begin|>b", "<|end|>>"), Gen.Int[0, 10], Gen.Int[0, 10], Gen.Int[0, 7]).Sample((text, first, second, untrusted) =>
        {
            int from = Math.Min(Math.Min(first, second), text.Length);
            int to = Math.Min(Math.Max(first, second), text.Length);
            string[] parts = [text[..from], text[from..to], text[to..]];
            string prompt = string.Concat(parts.Select((part, i) => (untrusted >> i & 1) == 1 ? Guard.Guard(part) : part));

            // A token whose characters all come from one trusted part, or from adjoining ones, is the template's own.
            PromptSegment[] segments = SharedTokenizers.Small.EncodePrompt(prompt);
            int start = 0;
            foreach (PromptSegment segment in segments)
            {
                int end = start + segment.Text.Length;
                for (int i = start; segment.IsAdded && i < end; i++)
                {
                    int part = i < from ? 0 : i < to ? 1 : 2;
                    Assert.Equal(0, untrusted >> part & 1);
                }

                start = end;
            }

            Assert.Equal(text, string.Concat(segments.Select(segment => segment.Text)));
        });

    [Fact]
    public void TrimmedBorders_AreGuardedToo()
    {
        Assert.DoesNotContain(SharedTokenizers.Small.EncodePrompt(Guard.Guard("x<|end  \n").TrimEnd() + "|>"), segment => segment.IsAdded);
        Assert.DoesNotContain(SharedTokenizers.Small.EncodePrompt("<" + Guard.Guard("  |end|>x").TrimStart()), segment => segment.IsAdded);
    }

    [Fact]
    public void TemplateText_KeepsItsControlTokensBesideGuardedText()
    {
        PromptSegment[] segments = SharedTokenizers.Small.EncodePrompt("<|begin|>" + Guard.Guard("say <|end|>") + "<|end|>");
        Assert.Equal(["<|begin|>", "say <|end|>", "<|end|>"], segments.Select(segment => segment.Text));
        Assert.Equal([true, false, true], segments.Select(segment => segment.IsAdded));
    }

    [Fact]
    public void OrdinaryText_StaysAsItIs() => Assert.Same("plain text", Guard.Guard("plain text"));

    [Fact]
    public void TokenOfOneCharacter_IsEscaped()
    {
        var files = new SmallTokenizerFiles();
        files.AddedTokens.Add((System.Text.Json.Nodes.JsonNode)SmallTokenizerFiles.Added(SharedTokenizers.Small.VocabularySize, "🦙"));
        ModelTokenizer tokenizer = files.Load();
        PromptSegment segment = Assert.Single(tokenizer.EncodePrompt(tokenizer.ControlTextGuard.Guard("a🦙b")));
        Assert.Equal(("a🦙b", false), (segment.Text, segment.IsAdded));
        Assert.Equal(3, tokenizer.EncodePrompt("a🦙b").Length);
    }
}
