using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>Reads a caller's messages as turns.</summary>
internal static class ChatTurnReader
{
    /// <summary>The turns of <paramref name="messages"/>; every tool result becomes a turn of its own.</summary>
    /// <exception cref="ArgumentException">There is no message, or one has an unknown role.</exception>
    /// <exception cref="NotSupportedException">A message holds content that this model cannot read; it is named.</exception>
    public static List<ChatTurn> Read(IEnumerable<ChatMessage> messages)
    {
        var turns = new List<ChatTurn>();
        foreach (ChatMessage message in messages)
        {
            ReadMessage(message, turns);
        }

        return turns.Count > 0
            ? turns
            : throw new ArgumentException("There is no message to answer; pass at least one.", nameof(messages));
    }

    private static void ReadMessage(ChatMessage message, List<ChatTurn> turns)
    {
        TurnRole role = RoleOf(message.Role);
        var text = new StringBuilder();
        var reasoning = new StringBuilder();
        var calls = new List<ToolCall>();
        bool heldResult = false;
        foreach (AIContent content in message.Contents)
        {
            switch (content)
            {
                case TextReasoningContent thought:
                    reasoning.Append(thought.Text);
                    break;
                case TextContent said:
                    text.Append(said.Text);
                    break;
                case FunctionCallContent call:
                    calls.Add(new ToolCall(call.CallId, call.Name, ToJson(call)));
                    break;
                case FunctionResultContent result:
                    FlushSpoken();
                    turns.Add(new ChatTurn(TurnRole.Tool, ToolResultText.Of(result)) { CallId = result.CallId });
                    heldResult = true;
                    break;
                case UsageContent:
                    break;
                default:
                    throw new NotSupportedException($"A message of role '{message.Role}' holds {content.GetType().Name}; this model reads text, tool calls and tool results only.");
            }
        }

        if (!heldResult)
        {
            turns.Add(Spoken());
        }
        else
        {
            FlushSpoken();
        }

        ChatTurn Spoken() => new(role, text.ToString()) { Reasoning = reasoning.ToString(), Calls = [.. calls] };

        void FlushSpoken()
        {
            if (text.Length > 0 || calls.Count > 0)
            {
                turns.Add(Spoken());
                text.Clear();
                reasoning.Clear();
                calls.Clear();
            }
        }
    }

    private static TurnRole RoleOf(ChatRole role) => role.Value.ToUpperInvariant() switch
    {
        "SYSTEM" or "DEVELOPER" => TurnRole.System,
        "USER" => TurnRole.User,
        "ASSISTANT" => TurnRole.Assistant,
        "TOOL" => TurnRole.Tool,
        _ => throw new ArgumentException($"A message has the role '{role}'; known are system, developer, user, assistant and tool.", nameof(role)),
    };

    private static JsonObject ToJson(FunctionCallContent call)
    {
        var arguments = new JsonObject();
        foreach ((string name, object? value) in call.Arguments ?? new Dictionary<string, object?>())
        {
            arguments[name] = value switch
            {
                null => null,
                JsonNode node => node.DeepClone(),
                _ => JsonSerializer.SerializeToNode(value, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(object))),
            };
        }

        return arguments;
    }
}
