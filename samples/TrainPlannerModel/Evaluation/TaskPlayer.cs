using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using TrainPlannerModel.World;

namespace TrainPlannerModel.Evaluation;

/// <summary>Plays a dialogue against a chat client, the tools simulated. A dialogue is solved when every call and every answer is right.</summary>
internal static class TaskPlayer
{
    /// <summary>Plays to the end or to the first wrong step.</summary>
    /// <returns>Null where the dialogue is solved, else what was expected and what came.</returns>
    public static async Task<string?> PlayAsync(IChatClient client, Dialogue dialogue, CancellationToken cancellationToken)
    {
        ChatOptions options = new()
        {
            Temperature = 0,
            MaxOutputTokens = 200,
            Tools = [.. dialogue.Tools.Select(Declare)],
        };
        List<ChatMessage> history = [new(ChatRole.System, dialogue.System)];
        foreach (Turn turn in dialogue.Turns)
        {
            history.Add(new ChatMessage(ChatRole.User, turn.Request));
            foreach (AssistantStep step in turn.Steps)
            {
                ChatResponse response = await client.GetResponseAsync(history, options, cancellationToken).ConfigureAwait(false);
                FunctionCallContent[] calls = [.. response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()];
                string expected = step.Tool is null ? step.Answer! : Describe(step.Tool.Name, step.Arguments!.ToJsonString());
                string actual = calls.Length == 0
                    ? response.Text
                    : string.Join("; ", calls.Select(call => Describe(call.Name, JsonSerializer.Serialize(call.Arguments))));
                if (actual != expected)
                {
                    return $"{turn.Kind}: expected {expected} but got {actual}";
                }

                history.AddMessages(response);
                if (step.Tool is not null)
                {
                    history.Add(new ChatMessage(ChatRole.Tool, [new FunctionResultContent(calls[0].CallId, step.Result)]));
                }
            }
        }

        return null;
    }

    private static string Describe(string name, string arguments) => $"{name}({arguments})";

    private static AIFunctionDeclaration Declare(PlannerTool tool)
    {
        JsonNode function = tool.ToJson()["function"]!;
        using JsonDocument schema = JsonDocument.Parse(function["parameters"]!.ToJsonString());
        return AIFunctionFactory.CreateDeclaration(tool.Name, tool.Description, schema.RootElement.Clone());
    }
}
