using TrainPlannerModel.World;

namespace TrainPlannerModel.Evaluation;

/// <summary>A held-out dialogue and how far back it reaches.</summary>
/// <param name="Tokens">Length of the whole dialogue.</param>
/// <param name="RecallDistance">The longest way, in tokens, from a question back to the latest mention of its answer.</param>
internal sealed record HeldOutDialogue(Dialogue Dialogue, int[] Tokens, int RecallDistance);

/// <summary>Dialogues from seeds that training never uses.</summary>
internal static class HeldOutDialogues
{
    /// <summary>Seeds of held-out dialogues begin here; texts for divergence take those below it.</summary>
    public const int FirstSeed = 1_000_000_000;

    private const int MinTokens = 1000;
    private const int MaxTokens = 3000;
    private const int MinRecallDistance = 1000;

    /// <summary>
    /// The first <paramref name="count"/> dialogues of 1,000 to 3,000 tokens that offer all tools, take at least one task of several
    /// calls and ask at least once for a value from over 1,000 tokens back.
    /// </summary>
    public static IEnumerable<HeldOutDialogue> Take(int count, Func<string, int[]> encode) => Enumerable
        .Range(0, int.MaxValue)
        .Select(seed => new DialogueGenerator(new Random(FirstSeed + seed)).Write(turnCount: 5 + (seed % 9), allTools: true))
        .Where(dialogue => dialogue.Turns.Any(turn => turn.Steps.Count > 2))
        .Select(dialogue => Measure(dialogue, encode))
        .Where(held => held.Tokens.Length is >= MinTokens and <= MaxTokens && held.RecallDistance > MinRecallDistance)
        .Take(count);

    private static HeldOutDialogue Measure(Dialogue dialogue, Func<string, int[]> encode)
    {
        string text = string.Concat(DialogueText.Render(dialogue).Select(piece => piece.Text));
        int longest = 0;
        int at = 0;
        foreach (Turn turn in dialogue.Turns)
        {
            at = text.IndexOf($"<|im_start|>user\n{turn.Request}", at, StringComparison.Ordinal);
            if (turn.Recalled is { } value)
            {
                int mention = text.LastIndexOf(value, at, StringComparison.Ordinal);
                longest = Math.Max(longest, encode(text[mention..at]).Length);
            }
        }

        return new HeldOutDialogue(dialogue, encode(text), longest);
    }
}
