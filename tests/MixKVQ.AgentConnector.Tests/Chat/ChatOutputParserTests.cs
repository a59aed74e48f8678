using CsCheck;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Chat.ToolCalling;

namespace MixKVQ.AgentConnector.Tests.Chat;

public sealed class ChatOutputParserTests
{
    private const string Call = "<tool_call>\n{\"name\": \"get_stock\", \"arguments\": {\"item\": \"bolt\", \"count\": 3}}\n</tool_call>";

    [Theory]
    [InlineData("Hello there.", "text:Hello there.")]
    [InlineData("<think>\nHm.\n</think>\n\nHello", "think:Hm.|text:Hello")]
    [InlineData("\n <think>\n\n</think>\n\nHello", "text:Hello")]
    [InlineData("<think>\nA\n\nB\n</think>\n\nline\n\nline\n", "think:A\n\nB|text:line\n\nline\n")]
    [InlineData("<think>never closed\n", "think:never closed\n")]
    [InlineData("</think> stray", "text:</think> stray")]
    [InlineData("I <think> so", "text:I <think> so")]
    [InlineData("<thin", "text:<thin")]
    [InlineData("a < b and <tool", "text:a < b and <tool")]
    [InlineData("", "")]
    [InlineData(Call, "call:get_stock(count=3,item=bolt)")]
    [InlineData("<think>\nx\n</think>\n\n" + Call + "\n" + Call, "think:x|call:get_stock(count=3,item=bolt)|call:get_stock(count=3,item=bolt)")]
    [InlineData("Let me look.\n" + Call + "\nDone.", "text:Let me look.|call:get_stock(count=3,item=bolt)|text:Done.")]
    [InlineData("<tool_call>{\"name\":\"now\"}</tool_call>", "call:now()")]
    [InlineData("<tool_call>{\"name\":\"now\",\"arguments\":null}</tool_call>", "call:now()")]
    [InlineData("<tool_call>{\"name\":\"say\",\"arguments\":{\"text\":\"</tool_call>\"}}</tool_call>", "call:say(text=</tool_call>)")]
    [InlineData("<tool_call>{\"name\":\"say\",\"arguments\":{\"text\":\"a\\\"</tool_call>\"}}</tool_call>", "call:say(text=a\"</tool_call>)")]
    public void Output_IsSplitIntoThoughtsTextAndCalls(string output, string expected)
    {
        Assert.Equal(expected, ShownContent.Of(Parse(output, startsInThought: false)));
    }

    [Theory]
    [InlineData("text\n<tool_call>\n{\"name\": \"x\", \"arguments\": {\n</tool_call>\nmore")]
    [InlineData("<tool_call>not json</tool_call>")]
    [InlineData("<tool_call>{\"name\": 5, \"arguments\": {}}</tool_call>")]
    [InlineData("<tool_call>{\"name\": \"\", \"arguments\": {}}</tool_call>")]
    [InlineData("<tool_call>{\"name\": \"x\", \"arguments\": [1]}</tool_call>")]
    [InlineData("<tool_call>{\"name\": \"x\", \"arguments\": \"{\"}</tool_call>")]
    [InlineData("<tool_call>{\"name\": \"x\", \"arguments\": {\"a\": \"\\ud800\"}}</tool_call>")]
    [InlineData("<tool_call>{\"name\": \"x\", \"arguments\": {\"a\": {\"b\": 1, \"b\": 2}}}</tool_call>")]
    [InlineData("<tool_call>{\"name\": \"x\", \"arguments\": {}} trailing</tool_call>")]
    [InlineData("<tool_call>\n{\"name\": \"x\", \"arguments\": {}}\n")]
    [InlineData("<tool_call></tool_call>")]
    [InlineData("<tool_call>[]</tool_call>")]
    [InlineData("<tool_call>null</tool_call>")]
    public void MalformedCall_ComesBackAsTextAsGenerated(string output)
    {
        Assert.Equal($"text:{output}", ShownContent.Of(Parse(output, startsInThought: false)));
    }

    [Fact]
    public void CallWithAnOpenString_DoesNotSwallowTheNextCall()
    {
        const string broken = "<tool_call>\n{\"name\": \"x\n</tool_call>";
        Assert.Equal($"text:{broken}|call:get_stock(count=3,item=bolt)", ShownContent.Of(Parse(broken + "\n" + Call, startsInThought: false)).Replace("\n|", "|", StringComparison.Ordinal));
    }

    [Fact]
    public void OutputThatBeginsInsideAThought_IsSplit()
    {
        Assert.Equal("think:Hm.|text:Hello", ShownContent.Of(Parse("\nHm.\n</think>\n\nHello", startsInThought: true)));
    }

    [Fact]
    public void Calls_HaveIdsOfTheirOwn()
    {
        FunctionCallContent[] calls = [.. Parse(Call + Call, startsInThought: false).OfType<FunctionCallContent>()];
        Assert.Equal(2, calls.Length);
        Assert.NotEqual(calls[0].CallId, calls[1].CallId);
    }

    [Fact]
    public void PlainText_StreamsAtOnce()
    {
        var parser = Parser(startsInThought: false);
        Assert.Equal("text:Hello", ShownContent.Of(parser.Append("Hello")));
        Assert.Equal("text: wor", ShownContent.Of(parser.Append(" wor<tool_")));
        Assert.Equal("text:<tool_kit", ShownContent.Of(parser.Append("kit")));
    }

    [Fact]
    public void Parts_DoNotDependOnWhereTheTextIsSplit()
    {
        string[] pieces = ["<think>", "</think>", "<tool_call>", "</tool_call>", "\n", "\n\n", "Hm", "<", "\"", "{\"name\": \"f\", \"arguments\": {\"a\": 1}}", " ", "<tool_", "call>"];
        Gen.Select(Gen.Int[0, pieces.Length - 1].Select(i => pieces[i]).Array[0, 12], Gen.Int[1, 9].Array[1, 20], Gen.Bool).Sample((parts, cuts, startsInThought) =>
        {
            string output = string.Concat(parts);
            string whole = ShownContent.Of(Parse(output, startsInThought));
            var parser = Parser(startsInThought);
            var contents = new List<AIContent>();
            int start = 0;
            for (int i = 0; start < output.Length; i++)
            {
                int length = Math.Min(cuts[i % cuts.Length], output.Length - start);
                contents.AddRange(parser.Append(output.Substring(start, length)));
                start += length;
            }

            contents.AddRange(parser.Finish());
            return ShownContent.Of(contents) == whole && parser.Turn.Text == string.Concat(contents.OfType<TextContent>().Select(text => text.Text));
        });
    }

    private static ChatOutputParser Parser(bool startsInThought) => new(startsInThought, new HermesFormat(), OfferedTools.None);

    private static List<AIContent> Parse(string output, bool startsInThought)
    {
        var parser = Parser(startsInThought);
        List<AIContent> parts = [.. parser.Append(output)];
        parts.AddRange(parser.Finish());
        return parts;
    }
}
