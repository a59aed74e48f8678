using System.Text;
using MixKVQ.AgentConnector.Constraints;

namespace MixKVQ.AgentConnector.Tests.Constraints;

public class ConstraintCursorTests
{
    [Fact]
    public void AddedToken_ComesOnlyWhereTheGrammarNamesIt()
    {
        Grammar grammar = Grammar.Sequence(Grammar.Framing("<call>\n", JsonTokens.Tokenizer), Grammar.AnyJsonObject);
        ConstraintCursor cursor = Start(grammar);
        Assert.False(cursor.TryAccept("<call>"u8));
        Assert.True(cursor.TryAccept(JsonTokens.CallToken));
        Assert.True(cursor.TryAccept("\n{"u8));

        // Spelled like what may come here, and yet no ordinary token.
        Assert.True(cursor.TryAccept("\"a"u8));
        Assert.False(cursor.TryAccept(JsonTokens.ColonToken));
        Assert.True(cursor.TryAccept("\":[1"u8));
        Assert.False(cursor.TryAccept(JsonTokens.CallToken));
    }

    [Fact]
    public void RefusedToken_ChangesNothing()
    {
        ConstraintCursor cursor = Start(Grammar.Text("abc"));
        Assert.True(cursor.TryAccept("ab"u8));
        Assert.False(cursor.TryAccept("cd"u8));
        Assert.False(cursor.IsComplete);
        Assert.True(cursor.TryAccept("c"u8));
        Assert.True(cursor.IsComplete);
        Assert.True(cursor.MustEnd);
        Assert.False(cursor.TryAccept("c"u8));
    }

    [Fact]
    public void Repeat_KeepsItsBoundsAndSeparators()
    {
        Grammar grammar = Grammar.Repeat(Grammar.Choice(Grammar.Text("a"), Grammar.Text("b")), Grammar.Text(", "), min: 1, max: 3);
        Assert.False(Accepts(grammar, ""));
        Assert.True(Accepts(grammar, "a"));
        Assert.True(Accepts(grammar, "b, a, a"));
        Assert.False(Accepts(grammar, "a, "));
        Assert.False(Accepts(grammar, "a, a, a, a"));
        Assert.True(Accepts(Grammar.Repeat(Grammar.Text("ab")), ""));
        Assert.True(Accepts(Grammar.Repeat(Grammar.Text("ab")), "ababab"));
        Assert.True(Accepts(Grammar.Repeat(Grammar.Text("")), ""));
    }

    [Fact]
    public void ObjectText_MayBePrettyOrCompactButNoNameTwice()
    {
        Grammar grammar = Grammar.JsonSchema(System.Text.Json.Nodes.JsonNode.Parse("""{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"array","items":{"type":"null"}}}}""")!);
        Assert.True(Accepts(grammar, """{"b":[null,null],"a":1}"""));
        Assert.True(Accepts(grammar, "{\n  \"a\": 1,\n  \"b\": [\n    null,\n    null\n  ]\n}"));
        Assert.True(Accepts(grammar, "{ \"a\": 1 }"));
        Assert.True(Accepts(grammar, "{}"));
        Assert.False(Accepts(grammar, """{"a":1,"a":1}"""));
        Assert.False(Accepts(grammar, """{"c":1}"""));
        Assert.False(Accepts(grammar, """{"a":01}"""));
        Assert.False(Accepts(grammar, " {}"));
        Assert.False(Accepts(grammar, "{} "));
        Assert.False(Accepts(Grammar.AnyJson, """{"x":1,"x":2}"""));
    }

    [Theory]
    [InlineData("\"\\ud83d\\ude00\"", false)]
    [InlineData("\"\\ud7ff\\n\"", true)]
    [InlineData("\"\t\"", false)]
    [InlineData("\"é日😀\"", true)]
    [InlineData("-0", false)]
    [InlineData("-0.5", true)]
    [InlineData("1e5", false)]
    [InlineData("123456789012345", true)]
    [InlineData("1234567890123456", false)]
    [InlineData("[[],{\"\":1}]", false)]
    [InlineData("[[],{\"k\":1.50}, [] ]", true)]
    public void AnyJson_TakesWhatItSays(string text, bool isTaken) => Assert.Equal(isTaken, Accepts(Grammar.AnyJson, text));

    [Fact]
    public void DeepNesting_EndsBeforeReadersRefuseIt()
    {
        ConstraintCursor cursor = Start(Grammar.AnyJson);
        int depth = 0;
        while (cursor.TryAccept("["u8))
        {
            depth++;
        }

        Assert.Equal(60, depth);
        Assert.Equal(60, cursor.ShortestCompletionTokens);
    }

    [Fact]
    public void KnownWay_NeitherAcceptingNorRestrictingAllocates()
    {
        TokenConstraint constraint = TokenConstraint.Compile(Grammar.JsonSchema(System.Text.Json.Nodes.JsonNode.Parse("""{"type":"object","properties":{"name":{"type":"string"},"id":{"type":"integer"}},"required":["name","id"]}""")!), JsonTokens.Vocabulary);
        int[] tokens = [.. Encoding.UTF8.GetBytes("""{"name": "aé\n", "id": -12}""").Select(value => (int)value)];
        var logits = new float[constraint.Vocabulary.Size];
        Run(constraint.Start(), tokens, logits);
        ConstraintCursor cursor = constraint.Start();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(cursor, tokens, logits);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(cursor.MustEnd);
    }

    [Fact]
    public async Task OneConstraint_ServesManyGenerationsAtOnce()
    {
        TokenConstraint constraint = ConstraintRun.Compile("""{"type":"object","additionalProperties":{"type":"array","items":{"type":"string","maxLength":9}}}""");
        string[] alone = [.. Enumerable.Range(0, 16).Select(seed => ConstraintRun.Generate(ConstraintRun.Compile("""{"type":"object","additionalProperties":{"type":"array","items":{"type":"string","maxLength":9}}}"""), new Random(seed), 40))];
        string[] together = await Task.WhenAll(Enumerable.Range(0, 16).Select(seed => Task.Run(() => ConstraintRun.Generate(constraint, new Random(seed), 40))));
        Assert.Equal(alone, together);
    }

    private static void Run(ConstraintCursor cursor, int[] tokens, float[] logits)
    {
        foreach (int token in tokens)
        {
            cursor.Restrict(logits);
            if (!cursor.TryAccept(token))
            {
                throw new InvalidOperationException("The text does not fit.");
            }
        }
    }

    private static ConstraintCursor Start(Grammar grammar) => TokenConstraint.Compile(grammar, JsonTokens.Vocabulary).Start();

    private static bool Accepts(Grammar grammar, string text)
    {
        ConstraintCursor cursor = Start(grammar);
        return cursor.TryAccept(Encoding.UTF8.GetBytes(text)) && cursor.IsComplete;
    }
}
