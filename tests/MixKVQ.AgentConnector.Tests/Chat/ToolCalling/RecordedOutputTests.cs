using CsCheck;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Chat.ToolCalling;

namespace MixKVQ.AgentConnector.Tests.Chat.ToolCalling;

/// <summary>Outputs as models of each family write them, well-formed and broken; what is no call comes back as it was written.</summary>
public sealed class RecordedOutputTests
{
    private const string Weather = "call:get_weather(city=Paris,days=3)";

    [Theory]
    [InlineData("{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\", \"days\": 3}}", Weather)]
    [InlineData("\n\n{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\", \"days\": 3}}", Weather)]
    [InlineData("<|python_tag|>{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\", \"days\": 3}}", Weather)]
    [InlineData("<|python_tag|>{\"type\": \"function\", \"name\": \"unknown\", \"parameters\": {}}", "call:unknown()")]
    [InlineData("{\"type\": \"function\", \"function\": \"now\", \"parameters\": null}", "call:now()")]
    [InlineData("{\"type\": \"function\", \"function\": {\"name\": \"now\", \"arguments\": \"{}\"}}", "call:now()")]
    [InlineData("{\"name\": \"now\", \"parameters\": {}}; {\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\", \"days\": 3}}", "call:now()|" + Weather)]
    [InlineData("{\"name\": \"now\", \"parameters\": {}}\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\": 3}}\n", "call:now()|" + Weather)]
    [InlineData("{\"name\": \"now\", \"parameters\": {}} ; done", "call:now()|text: ; done")]
    [InlineData("I will look.\n\n{\"name\": \"now\", \"parameters\": {}}\nThere.", "text:I will look.|call:now()|text:There.")]
    [InlineData("<function=get_weather>{\"city\": \"Paris\", \"days\": 3}</function>", Weather)]
    [InlineData("<function=now></function><function=now>{}</function>", "text:<function=now></function>|call:now()")]
    [InlineData("{\"name\": \"get_weather\", \"parameters\": {\"city\": \"a } b \\\" { c\"}}", "call:get_weather(city=a } b \" { c)")]
    [InlineData("{\"name\": \"now\", \"parameters\": {}};\n", "call:now()")]
    [InlineData("{\"name\": \"Bob\", \"parameters\": {}}", null)]
    [InlineData("{\"name\": \"Bob\", \"age\": 5}", null)]
    [InlineData("{\"city\": \"Paris\"}", null)]
    [InlineData("{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"", null)]
    [InlineData("{\"name\": \"get_weather\", \"parameters\": [1]}", null)]
    [InlineData("{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Pa\nris\"}}", null)]
    [InlineData("Say {\"name\": \"now\", \"parameters\": {}} to call.", null)]
    [InlineData("<|python_tag|>print(1)", null)]
    [InlineData("<function=now>{", null)]
    [InlineData("{", null)]
    [InlineData("{   \"na", null)]
    public void LlamaOutput_IsSplitIntoTextAndCalls(string output, string? expected) => AssertSplit(new LlamaFormat(), output, expected);

    [Theory]
    [InlineData("<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"Paris\", \"days\": 3}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", Weather)]
    [InlineData("Let me see.\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\":\"Paris\",\"days\":3}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>\n\nDone.", "text:Let me see.|call:now()|" + Weather + "|text:Done.")]
    [InlineData("<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{\n}\n```<｜tool▁call▁end｜>", "call:now()")]
    [InlineData("<｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜>", "call:now()")]
    [InlineData("<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>say\n```json\n{\"text\": \"<｜tool▁call▁end｜>```\"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", "call:say(text=<｜tool▁call▁end｜>```)")]
    [InlineData("<｜tool▁calls▁begin｜>", null)]
    [InlineData("<｜tool▁calls▁begin｜> nothing", null)]
    [InlineData("<｜tool▁calls▁end｜>", null)]
    [InlineData("text\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>", null)]
    [InlineData("<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function now {}<｜tool▁call▁end｜>", null)]
    [InlineData("<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```", null)]
    public void DeepSeekOutput_IsSplitIntoTextAndCalls(string output, string? expected) => AssertSplit(new DeepSeekFormat(), output, expected);

    [Theory]
    [InlineData("[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\": 3}}]", Weather)]
    [InlineData("[TOOL_CALLS][{\"name\": \"now\", \"arguments\": {}, \"id\": \"VvvODy9mT\"}, {\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", \"days\": 3}, \"id\": \"0123456aB\"}]", "call:now()|" + Weather)]
    [InlineData("[TOOL_CALLS] [\n  {\"name\": \"now\", \"arguments\": \"{}\"} ,\n {\"name\": \"now\"} ]\nDone.", "call:now()|call:now()|text:Done.")]
    [InlineData("[TOOL_CALLS]get_weather[ARGS]{\"city\": \"Paris\", \"days\": 3}", Weather)]
    [InlineData("Wait.[TOOL_CALLS]now[CALL_ID]012345678[ARGS]{}[TOOL_CALLS]get_weather[ARGS]{\"city\": \"Paris\", \"days\": 3}", "text:Wait.|call:now()|" + Weather)]
    [InlineData("[TOOL_CALLS] [{\"name\": \"say\", \"arguments\": {\"text\": \"]}[TOOL_CALLS]\"}}]", "call:say(text=]}[TOOL_CALLS])")]
    [InlineData("[TOOL_CALLS] [{\"name\": \"now\", \"arguments\": {}}, {\"name\": 5}]", "call:now()|text:, {\"name\": 5}]")]
    [InlineData("[TOOL_CALLS] []", null)]
    [InlineData("[TOOL_CALLS] [{\"name\": \"now\", \"arguments\": {}", null)]
    [InlineData("[TOOL_CALLS] [{\"name\": \"now\", \"arguments\": [}]", null)]
    [InlineData("[TOOL_CALLS]now and then\n{}", null)]
    [InlineData("[TOOL_CALLS]", null)]
    [InlineData("[TOOL_", null)]
    [InlineData("A list [1, 2]", null)]
    public void MistralOutput_IsSplitIntoTextAndCalls(string output, string? expected) => AssertSplit(new MistralFormat(writesNameFirst: false), output, expected);

    [Theory]
    [InlineData("I look.\n\n<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>", "text:I look.|" + Weather)]
    [InlineData("<tool_call>\n<function=now>\n</function>\n</tool_call>\n<tool_call>\n<function=say>\n<parameter=text>\n5\n</parameter>\n</function>\n</tool_call>", "call:now()|call:say(text=5)")]
    [InlineData("<tool_call>\n<function=say>\n<parameter=text>\n\na \"quote\n</tool_call> b\n\n</parameter>\n</function>\n</tool_call>", "call:say(text=\na \"quote\n</tool_call> b\n)")]
    [InlineData("<tool_call>\n<function=get_weather>\n<parameter=days>\n{\"a\": [1]}\n</parameter>\n</function>\n</tool_call>", "call:get_weather(days={\"a\":[1]})")]
    [InlineData("<tool_call>\n<function=get_weather>\n<parameter=days>\nTrue\n</parameter>\n</function>\n</tool_call>", "call:get_weather(days=True)")]
    [InlineData("<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>", "call:now()")]
    [InlineData("<tool_call>\n<function=now>\n</tool_call>", null)]
    [InlineData("<tool_call>\n<function=say>\n<parameter=text>\nopen\n</function>\n</tool_call>", null)]
    [InlineData("<tool_call>\n<function=>\n</function>\n</tool_call>", null)]
    [InlineData("<tool_call><function=</function></tool_call>", null)]
    public void QwenCoderOutput_IsSplitIntoTextAndCalls(string output, string? expected) => AssertSplit(new HermesFormat(writesXml: true), output, expected);

    [Fact]
    public void TextThatIsNoMarkup_StreamsAtOnce()
    {
        foreach (ToolCallFormat format in ToolCallFormats.All)
        {
            var parser = new ChatOutputParser(startsInThought: false, format, ToolCallFormats.Offered);
            foreach (string piece in (string[])["Hello", " [1", ", 2] <b>", "; {\"name\": ", "5}\n{\"city\"", ": \"Paris\""])
            {
                Assert.Equal($"text:{piece}", ShownContent.Of(parser.Append(piece)));
            }
        }
    }

    [Fact]
    public void CallsAfterAThought_AreRead_AndLaterTagsStayText()
    {
        foreach (ToolCallFormat format in ToolCallFormats.All)
        {
            string call = format.Layout.Write([("now", "{}")]);
            var parser = new ChatOutputParser(startsInThought: true, format, ToolCallFormats.Offered);
            Assert.Equal($"think:Shall I {call}?|call:now()|text:<think>Hm</think>", ShownContent.Of([.. parser.Append($"Shall I {call}?\n</think>\n\n{call}\n<think>Hm</think>"), .. parser.Finish()]));
        }
    }

    [Fact]
    public void LongArgument_IsReadOnce()
    {
        string argument = new('x', 200_000);
        foreach (ToolCallFormat format in ToolCallFormats.All)
        {
            string output = format.Layout.Write([("say", $"{{\"text\": \"{argument}\"}}")]);
            FunctionCallContent call = Assert.IsType<FunctionCallContent>(Assert.Single(Parse(format, output.Select(c => c.ToString()))));
            Assert.Equal(argument, call.Arguments!["text"]!.ToString());
        }
    }

    [Fact]
    public void AnyOutput_IsSplitTheSameWhereverItIsCut_AndLosesNoText()
    {
        string[] pieces =
        [
            "<tool_call>", "</tool_call>", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", "function<｜tool▁sep｜>now\n```json\n", "```",
            "[TOOL_CALLS]", "[", "]", ", ", "; ", "now[ARGS]", "{}", "{\"name\": \"now\", \"arguments\": {}}", "{\"name\": \"x\"}", "{\"", "\n", "\n\n", " ", "Hm", "\"", "<|python_tag|>",
            "<function=now>", "<function=", "</function>", "<parameter=a>", "<parameter=", "</parameter>", "<", "{", "}",
        ];
        Gen.Select(Gen.Int[0, pieces.Length - 1].Select(i => pieces[i]).Array[0, 14], Gen.Int[1, 9].Array[1, 20], Gen.Int[0, ToolCallFormats.All.Count - 1]).Sample((parts, cuts, index) =>
        {
            ToolCallFormat format = ToolCallFormats.All[index];
            string output = string.Concat(parts);
            List<AIContent> whole = Parse(format, [output]);
            bool keepsAll = whole.OfType<FunctionCallContent>().Any() || string.Concat(whole.OfType<TextContent>().Select(text => text.Text)) == output;
            return keepsAll && ShownContent.Of(Parse(format, Cut(output, cuts))) == ShownContent.Of(whole);
        }, iter: 2000);
    }

    private static void AssertSplit(ToolCallFormat format, string output, string? expected)
    {
        expected ??= $"text:{output}";
        Assert.Equal(expected, ShownContent.Of(Parse(format, [output])));
        Assert.Equal(expected, ShownContent.Of(Parse(format, output.Select(c => c.ToString()))));
        Gen.Int[1, 12].Array[1, 20].Sample(cuts => ShownContent.Of(Parse(format, Cut(output, cuts))) == expected, iter: 30);
    }

    private static IEnumerable<string> Cut(string output, int[] cuts)
    {
        int start = 0;
        for (int i = 0; start < output.Length; i++)
        {
            int length = Math.Min(cuts[i % cuts.Length], output.Length - start);
            yield return output.Substring(start, length);
            start += length;
        }
    }

    private static List<AIContent> Parse(ToolCallFormat format, IEnumerable<string> pieces)
    {
        var parser = new ChatOutputParser(startsInThought: false, format, ToolCallFormats.Offered);
        var contents = new List<AIContent>();
        foreach (string piece in pieces)
        {
            contents.AddRange(parser.Append(piece));
        }

        contents.AddRange(parser.Finish());
        return contents;
    }
}
