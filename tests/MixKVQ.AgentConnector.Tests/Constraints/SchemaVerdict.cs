using System.Text.Json;
using Json.Schema;

namespace MixKVQ.AgentConnector.Tests.Constraints;

/// <summary>What a well-kept validator says of a text.</summary>
internal static class SchemaVerdict
{
    private static readonly EvaluationOptions Options = new() { RequireFormatValidation = true };

    /// <summary>Fails unless the text is JSON and valid.</summary>
    public static void Check(string schema, string text)
    {
        JsonSchema known = JsonSchema.FromText(schema, new BuildOptions { Dialect = Dialect.Draft202012, SchemaRegistry = new SchemaRegistry() });
        using JsonDocument document = JsonDocument.Parse(text);
        Assert.True(known.Evaluate(document.RootElement, Options).IsValid, $"{text} is not valid for {schema}");
    }
}
