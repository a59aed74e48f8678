using System.Globalization;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>Bytes as people read them.</summary>
internal static class ByteSize
{
    /// <summary>A size for a message, such as <c>1.5 GiB</c>.</summary>
    public static string Describe(long bytes) => Math.Abs(bytes) switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.##} GiB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 20):0.##} MiB"),
        >= 1L << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 10):0.##} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes"),
    };
}
