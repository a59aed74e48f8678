using System.Diagnostics;
using System.Globalization;

namespace MixKVQ.AgentConnector.GpuCheck.Measuring;

/// <summary>
/// How long the GPU takes for something that is asked of it over and over without waiting in between, in milliseconds a time: runs are counted by the dozen between two waits, so
/// that asking hides behind doing, as it does in a decode step. Where asking takes longer, that is what is measured.
/// </summary>
/// <param name="Median">The median.</param>
/// <param name="Lowest">The lowest.</param>
/// <param name="Highest">The highest.</param>
internal sealed record DeviceTime(double Median, double Lowest, double Highest)
{
    private const int Samples = 11;
    private const int MaxRuns = 200;
    private static readonly TimeSpan SampleTime = TimeSpan.FromMilliseconds(12);

    /// <summary>Milliseconds: the median, and the lowest and highest in brackets.</summary>
    public string Text => $"{Digits(Median)} ({Digits(Lowest)}–{Digits(Highest)})";

    /// <summary>Takes 11 samples, after runs that are not counted.</summary>
    /// <param name="machine">Where.</param>
    /// <param name="run">Asks for the work once; given the number of the run, so that each can take other, cold memory.</param>
    public static DeviceTime Of(CheckMachine machine, Action<int> run)
    {
        run(0);
        machine.Synchronize();
        int next = 1;
        double first = Sample(1);
        int runs = (int)Math.Clamp(SampleTime.TotalMilliseconds / Math.Min(first, Sample(1)), 1, MaxRuns);
        double[] samples = [.. Enumerable.Range(0, Samples).Select(_ => Sample(runs)).Order()];
        return new DeviceTime(samples[Samples / 2], samples[0], samples[^1]);

        double Sample(int count)
        {
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < count; i++)
            {
                run(next++);
            }

            machine.Synchronize();
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds / count;
        }
    }

    /// <summary>The same, or null where libtorch offers no such operator.</summary>
    /// <param name="machine">Where.</param>
    /// <param name="run">As for <see cref="Of"/>.</param>
    public static DeviceTime? IfOffered(CheckMachine machine, Action<int> run)
    {
        try
        {
            return Of(machine, run);
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }

    private static string Digits(double milliseconds) =>
        milliseconds.ToString(milliseconds < 1 ? "F3" : milliseconds < 100 ? "F2" : "F0", CultureInfo.InvariantCulture);
}
