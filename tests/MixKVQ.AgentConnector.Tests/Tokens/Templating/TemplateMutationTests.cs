using System.Text.Json.Nodes;
using CsCheck;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Tests.Tokens.Templating;

public sealed class TemplateMutationTests
{
    private const int Mutations = 1000;

    private static readonly string[] Fragments =
        ["{%", "%}", "{{", "}}", "{#", "#}", "-", "(", ")", "[", "]", "{", "}", "|", "'", "\"", "\\", " is ", " not ", " in ", "loop", "messages", "none", "1", "[::-1]", " * 9999999", "~", "{% for x in messages %}", "{% endfor %}", "{% if x %}", "\n"];

    [Fact]
    public void MutatedTemplate_RendersOrIsRefused_AndAlwaysEnds()
    {
        string[] sources = [.. ChatTemplateGoldens.Document["renderings"]!.AsObject().Select(entry => ChatTemplateGoldens.Source(entry.Key))];
        JsonObject[] inputs = [.. ChatTemplateGoldens.Inputs().Values];
        Gen<(int At, int Length, string Text)> edit = Gen.Select(Gen.Int[0, 10_000], Gen.Int[0, 12], Pick(Fragments));

        Gen.Select(Pick(sources), Pick(inputs), edit.List[1, 4]).Sample(
            (source, input, edits) =>
            {
                string mutated = edits.Aggregate(source, (text, e) =>
                {
                    int at = e.At % (text.Length + 1);
                    return text[..at] + e.Text + text[Math.Min(text.Length, at + e.Length)..];
                });
                try
                {
                    ChatTemplateGoldens.Render(ChatTemplate.Parse(mutated, "mutated"), input);
                }
                catch (InvalidDataException e)
                {
                    Assert.StartsWith("Chat template mutated", e.Message, StringComparison.Ordinal);
                }
            },
            iter: Mutations,
            threads: 1);
    }

    private static Gen<T> Pick<T>(T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);
}
