using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens;

public class TokenIdGoldenTests
{
    public static TheoryData<string> Variants => TokenIdGoldens.Variants;

    public static TheoryData<string> Templates => TokenIdGoldens.Templates;

    [Theory]
    [MemberData(nameof(Variants))]
    public void EachNormalizerAndPreTokenizer_GivesTheIdsOfHuggingFace(string variant)
    {
        JsonNode golden = TokenIdGoldens.Document["variants"]![variant]!;
        ModelTokenizer tokenizer = TokenIdGoldens.Load(golden["changes"]!.AsObject());
        foreach (JsonNode? entry in golden["texts"]!.AsArray())
        {
            string text = entry!["text"]!.GetValue<string>();
            Assert.Equal($"{text}: {string.Join(' ', TokenIdGoldens.Ids(entry["ids"]))}", $"{text}: {string.Join(' ', tokenizer.Encode(text))}");
        }
    }

    [Theory]
    [MemberData(nameof(Templates))]
    public void RenderedPrompts_GetTheIdsOfHuggingFace(string template)
    {
        ModelTokenizer tokenizer = SharedTokenizers.Shared("phi-3-mini");
        JsonNode renderings = ChatTemplateGoldens.Document["renderings"]![template]!;
        foreach ((string testCase, JsonNode? ids) in TokenIdGoldens.Document["prompts"]![template]!.AsObject())
        {
            string prompt = renderings[testCase]!["text"]!.GetValue<string>();
            PromptSegment[] segments = tokenizer.EncodePrompt(prompt);
            Assert.Equal(TokenIdGoldens.Ids(ids), segments.SelectMany(segment => segment.TokenIds));
            Assert.Equal(prompt, string.Concat(segments.Select(segment => segment.Text)));
        }
    }
}
