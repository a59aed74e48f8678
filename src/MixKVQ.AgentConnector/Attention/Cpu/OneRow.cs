namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>One row.</summary>
internal readonly struct OneRow : IRowCount
{
    /// <inheritdoc/>
    public static int Count => 1;
}
