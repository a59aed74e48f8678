using MixKVQ.AgentConnector.Chat;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>The turns of a dialogue, of which the oldest after the instructions may be left out of its prompt. Immutable.</summary>
/// <param name="turns">All turns.</param>
/// <param name="droppedCount">How many turns after the leading system turns are left out.</param>
/// <param name="forgottenCount">How many turns were left out before and are no longer among <paramref name="turns"/>.</param>
internal sealed class Dialogue(IReadOnlyList<ChatTurn> turns, int droppedCount = 0, int forgottenCount = 0)
{
    /// <summary>All turns that are known.</summary>
    public IReadOnlyList<ChatTurn> Turns { get; } = turns;

    /// <summary>How many turns after the leading system turns are left out.</summary>
    public int DroppedCount { get; } = droppedCount;

    /// <summary>The turns that the prompt holds.</summary>
    public IReadOnlyList<ChatTurn> Kept { get; } = droppedCount == 0 ? turns : [.. turns.Take(Start(turns)), .. turns.Skip(Start(turns) + droppedCount)];

    /// <summary>How many turns are left out in all.</summary>
    public int LeftOutCount => DroppedCount + forgottenCount;

    /// <summary>This dialogue and what follows.</summary>
    public Dialogue With(IEnumerable<ChatTurn> turns) => new([.. Turns, .. turns], DroppedCount, forgottenCount);

    /// <summary>This dialogue with as many turns left out.</summary>
    public Dialogue Dropping(int count) => new(Turns, count, forgottenCount);

    /// <summary>This dialogue with nothing but its prompt's turns.</summary>
    public Dialogue Forget() => DroppedCount == 0 ? this : new Dialogue(Kept, 0, LeftOutCount);

    /// <summary>This dialogue up to an answer, the last of its first <paramref name="count"/> turns, which the prompt holds.</summary>
    public Dialogue UpTo(int count) => count == Turns.Count ? this : new Dialogue([.. Turns.Take(count)], DroppedCount, forgottenCount);

    /// <summary>Whether <paramref name="turns"/>, a whole dialogue, go on where this one ends.</summary>
    public bool IsContinuedBy(IReadOnlyList<ChatTurn> turns) => turns.Count > Turns.Count && CountShared(turns) == Turns.Count;

    /// <summary>How many turns <paramref name="turns"/>, a whole dialogue, begin with as this one does; none where this one is not whole.</summary>
    public int CountShared(IReadOnlyList<ChatTurn> turns) => forgottenCount == 0 ? Turns.CountSame(turns) : 0;

    /// <summary>Whether <paramref name="other"/>, of which nothing is left out, can leave out the same turns as this one, and nothing else.</summary>
    public bool CanBeLeftOutOf(Dialogue other) =>
        DroppedCount > 0
        && forgottenCount == 0
        && Start(other.Turns) == Start(Turns)
        && Turns.CountSame(other.Turns) >= Start(Turns) + DroppedCount
        && other.FindCuts().Contains(DroppedCount);

    /// <summary>
    /// The numbers of turns that can be left out, lowest first and each above <see cref="DroppedCount"/>: whole exchanges, and never the newest
    /// message of the user or what follows it.
    /// </summary>
    public IReadOnlyList<int> FindCuts()
    {
        int start = Start(Turns);
        int newest = Turns.Count - 1;
        while (newest > start && Turns[newest].Role != TurnRole.User)
        {
            newest--;
        }

        return [.. Enumerable.Range(start, Math.Max(0, newest + 1 - start)).Where(BeginsExchange).Select(index => index - start).Where(count => count > DroppedCount)];

        // Messages of the user and the application that follow each other are of one exchange.
        bool BeginsExchange(int index) => index > start && IsAsked(Turns[index]) && !IsAsked(Turns[index - 1]);
    }

    private static bool IsAsked(ChatTurn turn) => turn.Role is TurnRole.User or TurnRole.System;

    private static int Start(IReadOnlyList<ChatTurn> turns) => turns.TakeWhile(turn => turn.Role == TurnRole.System).Count();
}
