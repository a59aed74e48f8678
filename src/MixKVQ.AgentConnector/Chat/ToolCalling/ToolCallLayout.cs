using System.Text;

namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>
/// How a model writes its calls, as data: <c>Opening BeforeFirst Call (Separator Call)* AfterLast</c>. Immutable.
/// </summary>
/// <param name="Opening">What tells that a call begins.</param>
/// <param name="OpensAnswerOnly">Whether the opening means a call only where an answer begins; elsewhere it is text like any other.</param>
/// <param name="BeforeFirst">What follows the opening.</param>
/// <param name="Call">The pieces of one call.</param>
/// <param name="Separator">What stands between two calls; null where there is one call at most.</param>
/// <param name="AfterLast">What ends the calls.</param>
internal sealed record ToolCallLayout(
    string Opening, bool OpensAnswerOnly, string BeforeFirst, IReadOnlyList<CallPart> Call, string? Separator, string AfterLast)
{
    /// <summary>Writes calls.</summary>
    /// <param name="calls">Names, and arguments as JSON; at least one call.</param>
    public string Write(IReadOnlyList<(string Name, string Arguments)> calls)
    {
        var text = new StringBuilder(Opening).Append(BeforeFirst);
        for (int i = 0; i < calls.Count; i++)
        {
            text.Append(i > 0 ? Separator ?? throw new InvalidOperationException("This layout has one call at most.") : "");
            foreach (CallPart part in Call)
            {
                text.Append(part.Kind switch
                {
                    CallPartKind.Name => calls[i].Name,
                    CallPartKind.Arguments => calls[i].Arguments,
                    _ => part.Text,
                });
            }
        }

        return text.Append(AfterLast).ToString();
    }
}
