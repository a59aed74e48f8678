namespace MixKVQ.AgentConnector.Benchmarks.Measuring;

/// <summary>How many copies of some memory it takes to find each cold when all of them take turns.</summary>
internal static class ColdCopies
{
    // Several times the last cache level, 32 MiB here.
    private const long ColdBytes = 160 << 20;

    /// <summary>The number of copies; one where the memory alone is larger than what processors keep.</summary>
    public static int Of(long bytes) => (int)Math.Max(1, (ColdBytes + bytes - 1) / bytes);
}
