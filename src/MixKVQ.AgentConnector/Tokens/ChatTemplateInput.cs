using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>What a chat template renders. It is read, not kept.</summary>
/// <param name="Messages">The messages in the form of Hugging Face: role, content, tool_calls, reasoning_content …</param>
/// <param name="Tools">The tools' JSON schemas in the same form; null where the model is offered none.</param>
/// <param name="AddGenerationPrompt">Whether the text ends where the assistant's next message begins.</param>
/// <param name="Variables">More variables: bos_token, eos_token, enable_thinking, date_string … The other parameters prevail.</param>
/// <param name="Now">What <c>strftime_now</c> prints; null for the present. A conversation fixes it, so that its prompt stays the same.</param>
/// <param name="IsProbe">Whether this is a dialogue of a few words, by which the template is explored: then it may do little work.</param>
internal sealed record ChatTemplateInput(
    JsonArray Messages, JsonArray? Tools, bool AddGenerationPrompt, JsonObject? Variables, DateTimeOffset? Now = null, bool IsProbe = false);
