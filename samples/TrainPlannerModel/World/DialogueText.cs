using System.Text.Json;
using System.Text.Json.Nodes;

namespace TrainPlannerModel.World;

/// <summary>A piece of rendered dialogue; targets are what the assistant writes, and what the model learns.</summary>
internal readonly record struct TextPiece(string Text, bool IsTarget);

/// <summary>Renders dialogues as the model's chat template does; a test holds the two together.</summary>
internal static class DialogueText
{
    /// <summary>The pieces in order. A piece begins and ends at a control token, so that each can be tokenized alone.</summary>
    public static IEnumerable<TextPiece> Render(Dialogue dialogue)
    {
        string tools = string.Concat(dialogue.Tools.Select(tool => "\n" + Spaced(tool.ToJson())));
        yield return new TextPiece(
            $"<|im_start|>system\n{dialogue.System}\n\n# Tools\n\n<tools>{tools}\n</tools>\n\nCall a tool so:\n<tool_call>\n" +
            "{\"name\": <name>, \"arguments\": <arguments>}\n</tool_call><|im_end|>\n", false);
        foreach (Turn turn in dialogue.Turns)
        {
            string prompt = $"<|im_start|>user\n{turn.Request}<|im_end|>\n";
            foreach (AssistantStep step in turn.Steps)
            {
                yield return new TextPiece(prompt + "<|im_start|>assistant\n", false);
                yield return new TextPiece(Render(step), true);
                prompt = $"\n<|im_start|>user\n<tool_response>\n{step.Result}\n</tool_response><|im_end|>\n";
            }

            yield return new TextPiece("\n", false);
        }
    }

    private static string Render(AssistantStep step)
    {
        string thought = $"<think>\n{step.Thought}\n</think>\n\n";
        return step.Tool is null
            ? $"{thought}{step.Answer}<|im_end|>"
            : $"{thought}<tool_call>\n{{\"name\": \"{step.Tool.Name}\", \"arguments\": {Spaced(step.Arguments!)}}}\n</tool_call><|im_end|>";
    }

    /// <summary>JSON with a space after each comma and colon, as chat templates' tojson writes it.</summary>
    private static string Spaced(JsonNode? node) => node switch
    {
        JsonObject json => "{" + string.Join(", ", json.Select(field => $"{JsonSerializer.Serialize(field.Key)}: {Spaced(field.Value)}")) + "}",
        JsonArray array => "[" + string.Join(", ", array.Select(Spaced)) + "]",
        _ => node?.ToJsonString() ?? "null",
    };
}
