using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>A dialogue in the form that a chat template reads.</summary>
/// <param name="Messages">The template's <c>messages</c>.</param>
/// <param name="End">Where the prompt ends in what the template renders; null for its own end.</param>
internal sealed record TemplateDialogue(JsonArray Messages, string? End);
