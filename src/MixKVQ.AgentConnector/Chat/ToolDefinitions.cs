using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>Offered tools in the form that chat templates read.</summary>
internal static class ToolDefinitions
{
    /// <summary><c>{"type": "function", "function": {"name", "description", "parameters"}}</c> for each tool; null for none.</summary>
    /// <param name="tools">The tools on offer.</param>
    /// <param name="refusals">Gets a line for each tool that is not a function.</param>
    public static JsonArray? Of(IEnumerable<AITool>? tools, List<string> refusals)
    {
        var definitions = new JsonArray();
        foreach (AITool tool in tools ?? [])
        {
            if (tool is AIFunctionDeclaration function)
            {
                definitions.Add((JsonNode)new JsonObject
                {
                    ["type"] = "function",
                    ["function"] = new JsonObject
                    {
                        ["name"] = function.Name,
                        ["description"] = function.Description,
                        ["parameters"] = JsonSerializer.SerializeToNode(function.JsonSchema),
                    },
                });
            }
            else
            {
                refusals.Add($"{nameof(ChatOptions.Tools)}: '{tool.Name}' is a {tool.GetType().Name}; a local model calls functions (AIFunctionDeclaration) only");
            }
        }

        return definitions.Count > 0 ? definitions : null;
    }
}
