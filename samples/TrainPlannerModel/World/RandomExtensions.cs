namespace TrainPlannerModel.World;

internal static class RandomExtensions
{
    public static T Pick<T>(this Random random, IReadOnlyList<T> choices) => choices[random.Next(choices.Count)];

    /// <summary>True once in <paramref name="times"/>.</summary>
    public static bool OneIn(this Random random, int times) => random.Next(times) == 0;

    /// <summary>A copy in random order.</summary>
    public static T[] Shuffled<T>(this T[] items, Random random)
    {
        T[] copy = [.. items];
        random.Shuffle(copy);
        return copy;
    }
}
