using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>Reads response format and tool mode.</summary>
internal static class AnswerFormReader
{
    /// <summary>What the answer of a request has to be.</summary>
    /// <param name="options">The request's options.</param>
    /// <param name="tools">The offered tools as templates read them; null for none.</param>
    /// <param name="refusals">Gets a line for a response format of an unknown kind.</param>
    /// <param name="faults">Gets a line for a required tool that is not offered.</param>
    public static AnswerForm Read(ChatOptions options, JsonArray? tools, List<string> refusals, List<string> faults)
    {
        JsonNode? schema = null;
        switch (options.ResponseFormat)
        {
            case null or ChatResponseFormatText:
                break;
            case ChatResponseFormatJson json:
                schema = json.Schema is { } given ? JsonSerializer.SerializeToNode(given) : new JsonObject { ["type"] = "object" };
                break;
            case var other:
                refusals.Add($"{nameof(ChatOptions.ResponseFormat)}: {other.GetType().Name}; use {nameof(ChatResponseFormat)}.{nameof(ChatResponseFormat.Text)}, {nameof(ChatResponseFormat.Json)} or {nameof(ChatResponseFormat.ForJsonSchema)}");
                break;
        }

        if (options.ToolMode is not RequiredChatToolMode { RequiredFunctionName: var name })
        {
            // Without calls the tools stay in the prompt: its beginning is in the cache.
            return new AnswerForm(schema, BarsCalls: options.ToolMode is NoneChatToolMode && tools is not null);
        }

        if (tools is null)
        {
            faults.Add($"{nameof(ChatOptions.ToolMode)}: a required call, and no tool to call; allowed with {nameof(ChatOptions.Tools)} only");
        }
        else if (name is not null && !tools.Any(tool => NameOf(tool) == name))
        {
            faults.Add($"{nameof(ChatOptions.ToolMode)}: a required call of '{name}'; allowed are {string.Join(", ", tools.Select(NameOf))}");
        }

        // The call is the whole answer: a response format is for the answer that comes after it.
        return new AnswerForm(Schema: null, RequiresCall: true, name);
    }

    private static string? NameOf(JsonNode? tool) => tool?["function"]?["name"]?.GetValue<string>();
}
