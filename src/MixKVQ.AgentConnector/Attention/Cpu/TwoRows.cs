namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Two rows.</summary>
internal readonly struct TwoRows : IRowCount
{
    /// <inheritdoc/>
    public static int Count => 2;
}
