using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Chat;

/// <summary>Contents in a form that tests compare.</summary>
internal static class ShownContent
{
    /// <summary>Contents as text, neighbours of one kind joined.</summary>
    public static string Of(IEnumerable<AIContent> contents)
    {
        var shown = new List<(string Kind, string Text)>();
        foreach (AIContent content in contents)
        {
            (string kind, string text) = content switch
            {
                TextReasoningContent thought => ("think", thought.Text),
                TextContent said => ("text", said.Text),
                FunctionCallContent call => ("call", $"{call.Name}({string.Join(",", call.Arguments!.OrderBy(argument => argument.Key, StringComparer.Ordinal).Select(argument => $"{argument.Key}={argument.Value}"))})"),
                _ => ("other", content.GetType().Name),
            };
            if (kind != "call" && shown.Count > 0 && shown[^1].Kind == kind)
            {
                shown[^1] = (kind, shown[^1].Text + text);
            }
            else
            {
                shown.Add((kind, text));
            }
        }

        return string.Join("|", shown.Select(part => $"{part.Kind}:{part.Text}"));
    }
}
