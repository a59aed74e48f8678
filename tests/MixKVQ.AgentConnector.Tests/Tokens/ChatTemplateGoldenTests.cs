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
