namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>Takes turns apart that a template does not render as one.</summary>
internal static class TurnArrangement
{
    /// <summary>
    /// The turns, with text apart from calls and with each call in a turn of its own before its result, where the
    /// template needs that.
    /// </summary>
    public static List<ChatTurn> Arrange(IReadOnlyList<ChatTurn> turns, TemplateTraits traits)
    {
        var arranged = new List<ChatTurn>();
        for (int i = 0; i < turns.Count; i++)
        {
            ChatTurn turn = turns[i];
            if (turn.Calls.Count > 0 && turn.Text.Length > 0 && traits.SplitsTextFromCalls)
            {
                arranged.Add(turn with { Calls = [] });
                turn = turn with { Text = "", Reasoning = "" };
            }

            if (turn.Calls.Count <= 1 || !traits.RendersToolTurns || traits.RendersParallelCalls)
            {
                arranged.Add(turn);
                continue;
            }

            List<ChatTurn> results = [.. turns.Skip(i + 1).TakeWhile(next => next.Role == TurnRole.Tool)];
            i += results.Count;
            foreach (ToolCall call in turn.Calls)
            {
                arranged.Add(turn with { Calls = [call] });
                turn = turn with { Text = "", Reasoning = "" };
                arranged.AddRange(results.Where(result => result.CallId == call.Id));
                results.RemoveAll(result => result.CallId == call.Id);
            }

            arranged.AddRange(results);
        }

        return arranged;
    }
}
