using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Chat.ToolCalling;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>
/// Turns and tools in the form that chat templates read. Every string that came from outside is guarded, so that none
/// of it becomes a control token.
/// </summary>
/// <param name="guard">Guards text against the tokenizer's added tokens.</param>
/// <param name="format">How calls are written where the template does not do it.</param>
/// <param name="endOfTurn">The token that ends a turn.</param>
internal sealed class TemplateMessages(ControlTextGuard guard, ToolCallFormat format, string endOfTurn)
{
    private const string Separator = "\n\n";

    /// <summary>The turns as a template's <c>messages</c>.</summary>
    /// <param name="turns">The dialogue.</param>
    /// <param name="traits">What the template can render.</param>
    /// <param name="instructions">Trusted text to end the leading system turn with; null for none.</param>
    /// <param name="knownCalls">Calls that tool turns may answer although no turn makes them.</param>
    public TemplateDialogue Of(IReadOnlyList<ChatTurn> turns, TemplateTraits traits, string? instructions = null, IEnumerable<ToolCall>? knownCalls = null)
    {
        if (instructions is not null && turns is not [{ Role: TurnRole.System }, ..])
        {
            turns = [new ChatTurn(TurnRole.System, ""), .. turns];
        }

        List<ChatTurn> arranged = TurnArrangement.Arrange(turns, traits);
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (ToolCall call in (knownCalls ?? []).Concat(arranged.SelectMany(turn => turn.Calls)))
        {
            names[call.Id] = call.Name;
        }

        var messages = new MessageList(traits.AcceptsNeighbours);
        for (int i = 0; i < arranged.Count; i++)
        {
            ChatTurn turn = arranged[i];
            switch (turn.Role)
            {
                case TurnRole.System:
                    string text = guard.Guard(turn.Text);
                    text = i > 0 || instructions is null ? text : text.Length == 0 ? instructions : text + Separator + instructions;
                    messages.AddText((i == 0 ? traits.AcceptsSystem : traits.AcceptsLateSystem) ? "system" : "user", text);
                    break;
                case TurnRole.Tool when !traits.RendersToolTurns:
                    string[] results = [.. arranged.Skip(i).TakeWhile(next => next.Role == TurnRole.Tool).Select(next => guard.Guard(next.Text))];
                    i += results.Length - 1;
                    AddResults(results, messages);
                    break;
                case TurnRole.Tool:
                    messages.Add(ResultMessage(turn, traits, names));
                    break;
                case TurnRole.Assistant when turn.Calls.Count > 0 && traits.RendersToolTurns:
                    messages.Add(CallMessage(turn, traits));
                    break;
                default:
                    messages.AddText(turn.Role == TurnRole.User ? "user" : "assistant", TextOf(turn), Reasoning(turn));
                    break;
            }
        }

        return messages.ToDialogue();
    }

    /// <summary>The instructions that tell of tools, for a template that does not.</summary>
    public string InstructionsFor(JsonArray tools) => format.Instructions(tools.Select(tool => ChatTemplate.ToJson(Guard(tool))));

    /// <summary>A copy of a JSON value with every name and string guarded.</summary>
    public JsonNode? Guard(JsonNode? node) => node switch
    {
        JsonObject properties => new JsonObject(properties.Select(property => KeyValuePair.Create(guard.Guard(property.Key), Guard(property.Value)))),
        JsonArray items => new JsonArray([.. items.Select(Guard)]),
        JsonValue value when value.TryGetValue(out string? text) => JsonValue.Create(guard.Guard(text)),
        _ => node?.DeepClone(),
    };

    private string? Reasoning(ChatTurn turn) => turn.Reasoning.Length > 0 ? guard.Guard(turn.Reasoning) : null;

    /// <summary>The text of a turn, its calls written behind it.</summary>
    private string TextOf(ChatTurn turn)
    {
        string text = guard.Guard(turn.Text);
        return turn.Calls.Count == 0 ? text
            : (text.Length == 0 ? "" : text + "\n") + format.Layout.Write([.. turn.Calls.Select(call => (guard.Guard(call.Name), ChatTemplate.ToJson(Guard(call.Arguments))))]);
    }

    private void AddResults(string[] results, MessageList messages)
    {
        string text = format.WriteResults(results, endOfTurn);
        if (format.ResultsContinueAnswer)
        {
            messages.AddInsideAnswer(text);
        }
        else
        {
            messages.AddText("user", text);
        }
    }

    private JsonObject CallMessage(ChatTurn turn, TemplateTraits traits)
    {
        var message = new JsonObject
        {
            ["role"] = "assistant",

            // Templates take a call without text for one whose content is none.
            ["content"] = turn.Text.Length == 0 ? null : guard.Guard(turn.Text),
        };
        if (Reasoning(turn) is { } reasoning)
        {
            message["reasoning_content"] = reasoning;
        }

        message["tool_calls"] = new JsonArray([.. turn.Calls.Select(JsonNode? (call) => new JsonObject
        {
            ["id"] = guard.Guard(IdOf(call.Id, traits)),
            ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = guard.Guard(call.Name), ["arguments"] = Guard(call.Arguments) },
        })]);
        return message;
    }

    private JsonObject ResultMessage(ChatTurn turn, TemplateTraits traits, Dictionary<string, string> names)
    {
        var message = new JsonObject { ["role"] = "tool", ["content"] = guard.Guard(turn.Text) };
        if (turn.CallId is { } callId)
        {
            message["tool_call_id"] = guard.Guard(IdOf(callId, traits));
            if (names.TryGetValue(callId, out string? name))
            {
                message["name"] = guard.Guard(name);
            }
        }

        return message;
    }

    /// <summary>The id, or one made of it that is as short as the template wants: the same each time.</summary>
    private static string IdOf(string id, TemplateTraits traits)
    {
        if (!traits.NeedsShortIds || (id.Length == MistralFormat.IdLength && id.All(char.IsAsciiLetterOrDigit)))
        {
            return id;
        }

        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(id));
        return string.Concat(hash.Take(MistralFormat.IdLength).Select(value => MistralFormat.IdAlphabet[value % MistralFormat.IdAlphabet.Length]));
    }
}
