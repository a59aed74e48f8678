using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;
using MixKVQ.AgentConnector.Constraints.Patterns;

namespace MixKVQ.AgentConnector.Tests.Constraints.Patterns;

public sealed class StringFormatTests
{
    private const int WalksPerFormat = 1000;

    public static TheoryData<string> Names => [.. StringFormats.Names.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public void RandomTextsOfAFormat_AreValidForAStrictValidator(string format)
    {
        TextPattern pattern = TextPattern.ForFormat(format)!;
        JsonSchema schema = JsonSchema.FromText(new JsonObject { ["type"] = "string", ["format"] = format }.ToJsonString());
        EvaluationOptions options = new() { RequireFormatValidation = true };
        Random random = new(format.Length);
        string[] invalid =
        [
            .. Enumerable.Range(0, WalksPerFormat).Select(walk => PatternWalk.Draw(pattern, random, walk % 80))
                .Where(text => !schema.Evaluate(JsonSerializer.SerializeToElement(text), options).IsValid)
        ];
        Assert.True(invalid.Length == 0, $"{invalid.Length} of {WalksPerFormat} are invalid: {string.Join("\n", invalid.Take(8))}");
    }
}
