using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens;

public sealed class ChatTemplateGoldenTests
{
    public static TheoryData<string> Templates => ChatTemplateGoldens.Templates;

    [Theory]
    [MemberData(nameof(Templates))]
    public void FixtureTemplate_RendersAsTheNpmPackageDoes(string name)
    {
        ChatTemplate template = ChatTemplate.Parse(ChatTemplateGoldens.Source(name), name);
        IReadOnlyDictionary<string, JsonObject> inputs = ChatTemplateGoldens.Inputs();
        int compared = 0;
        foreach ((string testCase, JsonNode? golden) in ChatTemplateGoldens.Document["renderings"]![name]!.AsObject())
        {
            if (golden!["text"] is not null)
            {
                Assert.Equal($"{testCase}: {golden["text"]!.GetValue<string>()}", $"{testCase}: {ChatTemplateGoldens.Render(template, inputs[testCase])}");
                compared++;
            }
        }

        Assert.InRange(compared, 9, inputs.Count);
    }

    [Theory]
    [MemberData(nameof(Templates))]
    public void EveryKindOfDialogue_IsRenderedOrRefusedByTheTemplateItself(string name)
    {
        string[][] kinds =
        [
            ["plain", "plain, with an empty tool list"],
            ["system prompt", "no generation prompt, with tools"],
            ["tools", "tools without system prompt"],
            ["one call"],
            ["several calls in one turn"],
            ["thought as reasoning_content", "thoughts in a tool loop"],
            ["thought in content", "thought in content, with tools"],
            ["earlier thought as reasoning_content", "earlier thought as reasoning_content, with tools"],
            ["no generation prompt", "no generation prompt, with tools"],
        ];
        JsonObject renderings = ChatTemplateGoldens.Document["renderings"]![name]!.AsObject();
        Assert.All(kinds, kind => Assert.Contains(
            kind, testCase => renderings[testCase]!["text"] is not null || $"{renderings[testCase]!["error"]}".Contains("only supports single tool-calls", StringComparison.Ordinal)));
    }

    [Fact]
    public void RefusalOfATemplate_IsReportedInItsWords()
    {
        const string Name = "templates/meta-llama-Llama-3.1-8B-Instruct.jinja";
        ChatTemplate template = ChatTemplate.Parse(ChatTemplateGoldens.Source(Name), Name);
        JsonObject input = ChatTemplateGoldens.Inputs()["two calls where one is allowed"];

        var error = Assert.Throws<InvalidDataException>(() => ChatTemplateGoldens.Render(template, input));

        Assert.Contains(Name, error.Message, StringComparison.Ordinal);
        Assert.Contains("line 71: the template refuses its input: This model only supports single tool-calls at once!", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void SmallTemplates_RenderAsTheNpmPackageDoes()
    {
        JsonObject variables = ChatTemplateGoldens.Document["snippetVariables"]!.AsObject();
        foreach (JsonNode? snippet in ChatTemplateGoldens.Document["snippets"]!.AsArray())
        {
            if (snippet!["text"] is not null)
            {
                string source = snippet["source"]!.GetValue<string>();
                Assert.Equal($"{source} -> {snippet["text"]!.GetValue<string>()}", $"{source} -> {ChatTemplateGoldens.Render(source, variables)}");
            }
        }
    }
}
