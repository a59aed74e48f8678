using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>What a request wants the answer to be. Immutable.</summary>
/// <param name="Schema">The JSON schema of the answer's text; null for free text. Not to be changed.</param>
/// <param name="RequiresCall">Whether the answer has to be a tool call.</param>
/// <param name="RequiredTool">The tool to call; null for any.</param>
/// <param name="BarsCalls">Whether the answer must not be a tool call, although the prompt names tools.</param>
internal sealed record AnswerForm(JsonNode? Schema, bool RequiresCall = false, string? RequiredTool = null, bool BarsCalls = false)
{
    /// <summary>Text or calls, as the model likes.</summary>
    public static AnswerForm Free { get; } = new(Schema: null);
}
