using TrainPlannerModel.World;

namespace TrainPlannerModel.Training;

/// <summary>A tokenized dialogue.</summary>
/// <param name="Ids">The tokens.</param>
/// <param name="Positions">
/// Their positions. Gaps before some pieces let short dialogues teach long distances (positional skip-wise training, arXiv 2309.10400).
/// </param>
/// <param name="IsTarget">Whether each token was written by the assistant.</param>
internal sealed record Example(int[] Ids, int[] Positions, bool[] IsTarget)
{
    public static Example Encode(IEnumerable<TextPiece> pieces, Func<string, int[]> encode, Random random)
    {
        List<int> ids = [];
        List<bool> isTarget = [];
        List<int> starts = [];
        foreach (TextPiece piece in pieces)
        {
            starts.Add(ids.Count);
            ids.AddRange(encode(piece.Text));
            while (isTarget.Count < ids.Count)
            {
                isTarget.Add(piece.IsTarget);
            }
        }

        return new Example([.. ids], Spread(ids.Count, starts, random), [.. isTarget]);
    }

    private static int[] Spread(int count, List<int> starts, Random random)
    {
        int[] positions = new int[count];
        int spare = random.OneIn(2) ? Math.Max(0, PlannerShape.ContextLength - count) : 0;
        HashSet<int> gapAt = [.. starts.Where(_ => random.OneIn(5))];
        int shift = 0;
        for (int i = 0; i < count; i++)
        {
            if (spare > 0 && gapAt.Contains(i))
            {
                int gap = random.Next((spare / 2) + 1);
                shift += gap;
                spare -= gap;
            }

            positions[i] = i + shift;
        }

        return positions;
    }
}
