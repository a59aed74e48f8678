using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens;

public sealed class ChatTemplateTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("chat-template").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Load_PrefersTheTemplateFileOverTheTokenizerConfiguration()
    {
        Write("chat_template.jinja", "from jinja");
        Write("chat_template.json", """{"chat_template": "from json"}""");
        Write("tokenizer_config.json", """{"chat_template": "from config"}""");

        Assert.Equal("from jinja", Render(ChatTemplate.Load(_folder)));
    }

    [Fact]
    public void Load_ReadsChatTemplateJsonBeforeTheTokenizerConfiguration()
    {
        Write("chat_template.json", """{"chat_template": "from json"}""");
        Write("tokenizer_config.json", """{"chat_template": "from config"}""");

        Assert.Equal("from json", Render(ChatTemplate.Load(_folder)));
    }

    [Fact]
    public void Load_PicksTheNamedTemplateForTools()
    {
        Write("tokenizer_config.json", """{"chat_template": [{"name": "default", "template": "plain"}, {"name": "tool_use", "template": "{{ tools | length }} tools"}]}""");
        ChatTemplate template = ChatTemplate.Load(_folder);

        Assert.Equal("plain", Render(template));
        Assert.Equal("plain", Render(template, tools: []));
        Assert.Equal("1 tools", Render(template, tools: [new JsonObject()]));
    }

    [Fact]
    public void Load_WithoutATemplate_NamesTheFolderAndWhatToAdd()
    {
        Write("tokenizer_config.json", """{"eos_token": "</s>"}""");

        var error = Assert.Throws<InvalidDataException>(() => ChatTemplate.Load(_folder));

        Assert.Contains(_folder, error.Message, StringComparison.Ordinal);
        Assert.Contains("chat_template.jinja", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"chat_template": 5}""", "must be a string or a list")]
    [InlineData("""{"chat_template": [{"name": "default"}]}""", "no name and template")]
    [InlineData("""{"chat_template": [{"name": "rag", "template": ""}]}""", "no template named default")]
    [InlineData("""{"chat_template": """, "not sound JSON")]
    [InlineData("""{"chat_template": "{% if %}"}""", "line 1")]
    [InlineData("""{"chat_template": "\ud800"}""", "not sound JSON")]
    public void Load_OfABadFile_NamesFileAndFault(string json, string fault)
    {
        Write("tokenizer_config.json", json);

        var error = Assert.Throws<InvalidDataException>(() => ChatTemplate.Load(_folder));

        Assert.Contains("tokenizer_config.json", error.Message, StringComparison.Ordinal);
        Assert.Contains(fault, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_PrintAsTheirJsonHadThem()
    {
        JsonArray messages = [JsonNode.Parse("""{"z": 1.0, "a": 12345678901234567890, "m": 1e5, "n": -0.50}""")];

        Assert.Equal("""{"z": 1.0, "a": 12345678901234567890, "m": 1e5, "n": -0.50} 1.0""", Render(ChatTemplate.Parse("{{ messages[0] | tojson }} {{ messages[0].z }}", "t"), messages));
    }

    [Fact]
    public void KeysStayInTheirOrder_AlsoThoseThatLookLikeNumbers()
    {
        JsonArray messages = [JsonNode.Parse("""{"b": 1, "2": 2, "a": 3, "1": 4}""")];

        Assert.Equal("""{"b": 1, "2": 2, "a": 3, "1": 4}b2a1""", Render(ChatTemplate.Parse("{{ messages[0] | tojson }}{% for k in messages[0] %}{{ k }}{% endfor %}", "t"), messages));
    }

    [Fact]
    public void Noncharacters_PassEveryOperation()
    {
        JsonArray messages = ["<\uFDD0|x|>\uFFFF"];
        const string Source = "{{ messages[0] }}{{ messages[0] | tojson }}{{ messages | tojson(ensure_ascii=true) }}{{ messages[0] | upper | trim | replace('X', 'y') }}{{ messages[0].split('|')[0] }}";

        Assert.Equal("<\uFDD0|x|>\uFFFF\"<\uFDD0|x|>\uFFFF\"[\"<\uFDD0|x|>\uFFFF\"]<\uFDD0|y|>\uFFFF<\uFDD0", Render(ChatTemplate.Parse(Source, "t"), messages));
    }

    [Fact]
    public void Time_IsTheInputs()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ strftime_now('%d %b %Y, %A %H:%M 100%% %q %') }}", "t");
        var input = new ChatTemplateInput([], null, false, null, new DateTimeOffset(2026, 2, 3, 4, 5, 6, TimeSpan.FromHours(1)));

        Assert.Equal("03 Feb 2026, Tuesday 04:05 100% %q %", template.Render(input, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void VariablesCannotReplaceTheMessages()
    {
        var input = new ChatTemplateInput(["m"], null, true, new JsonObject { ["messages"] = "x", ["add_generation_prompt"] = false, ["bos_token"] = "<s>" });

        Assert.Equal("<s>mtrue", ChatTemplate.Parse("{{ bos_token }}{{ messages[0] }}{{ add_generation_prompt }}", "t").Render(input, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void InputOfHalfASurrogatePair_IsRefused()
    {
        JsonArray messages = JsonNode.Parse("""["\ud800"]""")!.AsArray();

        Assert.Contains("input is not sound JSON", Assert.Throws<InvalidDataException>(() => Render(ChatTemplate.Parse("x", "t"), messages)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CancelledRendering_Stops()
    {
        var input = new ChatTemplateInput([], null, false, null);

        Assert.Throws<OperationCanceledException>(() => ChatTemplate.Parse("{{ 1 }}", "t").Render(input, new CancellationToken(canceled: true)));
    }

    private static string Render(ChatTemplate template, JsonArray? messages = null, JsonArray? tools = null)
        => template.Render(new ChatTemplateInput(messages ?? [], tools, false, null), TestContext.Current.CancellationToken);

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);
}
