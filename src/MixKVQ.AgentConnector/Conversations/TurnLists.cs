using MixKVQ.AgentConnector.Chat;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>Comparison of dialogues.</summary>
internal static class TurnLists
{
    /// <summary>How many turns both begin with that say the same.</summary>
    public static int CountSame(this IReadOnlyList<ChatTurn> turns, IReadOnlyList<ChatTurn> others)
    {
        int count = 0;
        while (count < turns.Count && count < others.Count && turns[count].SaysTheSameAs(others[count]))
        {
            count++;
        }

        return count;
    }
}
