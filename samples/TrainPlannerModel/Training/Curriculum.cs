using TrainPlannerModel.World;

namespace TrainPlannerModel.Training;

/// <summary>Draws what to train on next: copy drills, then short dialogues, then ever longer ones.</summary>
internal sealed class Curriculum(Random random)
{
    private const double DrillUntil = 0.01;
    private const double ShortUntil = 0.08;
    private const double MediumUntil = 0.25;

    /// <summary>The pieces of one example for a point of the training between 0 and 1.</summary>
    public IEnumerable<TextPiece> Draw(double progress)
    {
        if (progress < DrillUntil)
        {
            return CopyDrill();
        }

        DialogueGenerator generator = new(random);
        int turns = progress switch
        {
            < ShortUntil => random.Next(1, 4),
            < MediumUntil => random.Next(1, 8),
            _ => random.OneIn(3) ? random.Next(1, 6) : random.Next(5, 16),
        };
        bool allTools = progress >= ShortUntil && !random.OneIn(4);
        if (progress >= ShortUntil && random.OneIn(2))
        {
            // Half of the examples dwell on recall; short ones give more of it for the time, gaps in their positions the distance.
            bool isShort = random.OneIn(2);
            return DialogueText.Render(generator.Write(isShort ? random.Next(6, 13) : turns * 3 / 2, allTools && !isShort, mostlyRecall: true));
        }

        return DialogueText.Render(generator.Write(turns, allTools));
    }

    /// <summary>A list of names and numbers, then the same pairs, half the time in another order.</summary>
    private IEnumerable<TextPiece> CopyDrill()
    {
        string[] pairs = [.. Names.Copied.ToArray().Shuffled(random).Take(random.Next(4, 12)).Select(name => $"{name} {random.Next(1000)}")];
        yield return new TextPiece($"<|im_start|>user\n{string.Join(", ", pairs)}.<|im_end|>\n<|im_start|>assistant\n", false);
        yield return new TextPiece($"{string.Join(", ", random.OneIn(2) ? pairs.Shuffled(random) : pairs)}.<|im_end|>", true);
    }
}
