using System.Text.Json;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>Writes turns as a caller's messages: what <see cref="ChatTurnReader"/> reads.</summary>
internal static class ChatMessageWriter
{
    /// <summary>The message of a turn.</summary>
    public static ChatMessage Write(ChatTurn turn)
    {
        if (turn.Role == TurnRole.Tool)
        {
            return new ChatMessage(ChatRole.Tool, [new FunctionResultContent(turn.CallId ?? "", turn.Text)]);
        }

        List<AIContent> contents = [];
        if (turn.Reasoning.Length > 0)
        {
            contents.Add(new TextReasoningContent(turn.Reasoning));
        }

        if (turn.Text.Length > 0 || turn.Calls.Count == 0)
        {
            contents.Add(new TextContent(turn.Text));
        }

        contents.AddRange(turn.Calls.Select(call => new FunctionCallContent(call.Id, call.Name, ToArguments(call))));
        return new ChatMessage(RoleOf(turn.Role), contents);
    }

    private static Dictionary<string, object?> ToArguments(ToolCall call) =>
        call.Arguments.ToDictionary(argument => argument.Key, argument => (object?)JsonSerializer.SerializeToElement(argument.Value));

    private static ChatRole RoleOf(TurnRole role) => role switch
    {
        TurnRole.System => ChatRole.System,
        TurnRole.User => ChatRole.User,
        _ => ChatRole.Assistant,
    };
}
