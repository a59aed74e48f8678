using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>
/// Turns and tools in the form that chat templates read. Every string that came from outside is guarded, so that none
/// of it becomes a control token.
/// </summary>
internal sealed class TemplateMessages(ControlTextGuard guard)
{
    /// <summary>The turns as a template's <c>messages</c>.</summary>
    public JsonArray Of(IEnumerable<ChatTurn> turns)
    {
        var messages = new JsonArray();
        var toolNames = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (ChatTurn turn in turns)
        {
            foreach (ToolCall call in turn.Calls)
            {
                toolNames[call.Id] = call.Name;
            }

            messages.Add((JsonNode)Of(turn, toolNames));
        }

        return messages;
    }

    /// <summary>A copy of a JSON value with every name and string guarded.</summary>
    public JsonNode? Guard(JsonNode? node) => node switch
    {
        JsonObject properties => new JsonObject(properties.Select(property => KeyValuePair.Create(guard.Guard(property.Key), Guard(property.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Guard)]),
        JsonValue value when value.TryGetValue(out string? text) => JsonValue.Create(guard.Guard(text)),
        _ => node?.DeepClone(),
    };

    private JsonObject Of(ChatTurn turn, Dictionary<string, string> toolNames)
    {
        var message = new JsonObject
        {
            ["role"] = turn.Role switch
            {
                TurnRole.System => "system",
                TurnRole.User => "user",
                TurnRole.Assistant => "assistant",
                _ => "tool",
            },

            // Templates take a call without text for one whose content is none.
            ["content"] = turn.Calls.Count > 0 && turn.Text.Length == 0 ? null : guard.Guard(turn.Text),
        };
        if (turn.Reasoning.Length > 0)
        {
            message["reasoning_content"] = guard.Guard(turn.Reasoning);
        }

        if (turn.Calls.Count > 0)
        {
            message["tool_calls"] = new JsonArray([.. turn.Calls.Select(Of)]);
        }

        if (turn.CallId is { } callId)
        {
            message["tool_call_id"] = guard.Guard(callId);
            if (toolNames.TryGetValue(callId, out string? name))
            {
                message["name"] = guard.Guard(name);
            }
        }

        return message;
    }

    private JsonNode Of(ToolCall call) => new JsonObject
    {
        ["id"] = guard.Guard(call.Id),
        ["type"] = "function",
        ["function"] = new JsonObject { ["name"] = guard.Guard(call.Name), ["arguments"] = Guard(call.Arguments) },
    };
}
