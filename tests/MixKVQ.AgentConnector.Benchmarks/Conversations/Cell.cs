using System.Globalization;

namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>Cells of tables, and what is said of the work on the way.</summary>
internal static class Cell
{
    /// <summary>Bytes in KiB.</summary>
    public static string KiB(long bytes) => Number(bytes / 1024.0);

    /// <summary>A number; whole where nothing else is asked for.</summary>
    public static string Number(double number, string format = "F0") => number.ToString(format, CultureInfo.InvariantCulture);

    /// <summary>Says on the error stream, beside the tables, that something was measured.</summary>
    public static void Progress(string what) => Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.Now:HH:mm:ss} {what}"));
}
