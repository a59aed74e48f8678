using System.Globalization;

namespace MixKVQ.AgentConnector.GpuCheck.DecodeStep;

/// <summary>Prints decode steps as they are measured.</summary>
internal sealed class StepTable
{
    private readonly CheckReport _report;

    /// <param name="report">Where it is printed.</param>
    public StepTable(CheckReport report)
    {
        _report = report;
        report.Table("cache", "conversations", "tokens of each", "caches, GB", "a step, ms", "tokens/s");
    }

    /// <summary>Prints a row.</summary>
    /// <param name="cache">Which cache.</param>
    /// <param name="conversations">Conversations of the batch.</param>
    /// <param name="tokens">Tokens of each.</param>
    /// <param name="bytes">What their caches hold.</param>
    /// <param name="milliseconds">A step's time.</param>
    /// <param name="text">The same as a table says it.</param>
    /// <returns>Tokens a second.</returns>
    public double Add(string cache, int conversations, int tokens, long bytes, double milliseconds, string text)
    {
        double tokensASecond = conversations * 1000 / milliseconds;
        _report.Row(
            cache, $"{conversations}", $"{tokens}", (bytes / 1e9).ToString("F1", CultureInfo.InvariantCulture), text, tokensASecond.ToString("F0", CultureInfo.InvariantCulture));
        return tokensASecond;
    }
}
