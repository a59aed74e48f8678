using System.Diagnostics;

namespace MixKVQ.AgentConnector.Benchmarks.Measuring;

/// <summary>
/// Times several ways to do the same work in one process, by turns, so that whatever else the machine does meets all of them. In each round a way has one run that
/// is not counted, in which its threads wake. Rounds begin with another way each.
/// </summary>
internal static class PairedRun
{
    // Code is compiled for good in stages of 30 calls each, in the background a moment later.
    private const int WarmUpStages = 3;
    private const int StageRuns = 30;

    private static readonly TimeSpan StageTime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CompileTime = TimeSpan.FromSeconds(0.3);

    // Threads of the way before look out for more work for a while.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Measures, after at most 90 runs that are not counted.</summary>
    /// <param name="contestants">The ways.</param>
    /// <param name="rounds">How many rounds are taken.</param>
    /// <param name="runs">How many runs of a way are counted in each.</param>
    /// <returns>The timings, in the contestants' order.</returns>
    public static IReadOnlyList<Timing> Measure(IReadOnlyList<Contestant> contestants, int rounds, int runs)
    {
        int[] taken = new int[contestants.Count];
        double[][] times = [.. contestants.Select(_ => new double[rounds * runs])];
        for (int stage = 0; stage < WarmUpStages; stage++)
        {
            for (int i = 0; i < contestants.Count; i++)
            {
                long start = Stopwatch.GetTimestamp();
                for (int run = 0; run < StageRuns && Stopwatch.GetElapsedTime(start) < StageTime; run++)
                {
                    Take(i);
                }
            }

            Thread.Sleep(CompileTime);
        }

        for (int round = 0; round < rounds; round++)
        {
            for (int k = 0; k < contestants.Count; k++)
            {
                int i = (round + k) % contestants.Count;
                Thread.Sleep(Pause);
                Take(i);
                for (int run = 0; run < runs; run++)
                {
                    times[i][(round * runs) + run] = Take(i);
                }
            }
        }

        return [.. contestants.Zip(times, (contestant, milliseconds) => new Timing(contestant.Name, [.. milliseconds.Order()]))];

        double Take(int i)
        {
            contestants[i].Prepare?.Invoke();
            long start = Stopwatch.GetTimestamp();
            contestants[i].Run(taken[i]++);
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    /// <summary>The fastest of several forms of one way, by a short run.</summary>
    public static Contestant Fastest(params IReadOnlyList<Contestant> forms) =>
        Measure(forms, rounds: 3, runs: 2).Zip(forms).MinBy(pair => pair.First.Median).Second;
}
