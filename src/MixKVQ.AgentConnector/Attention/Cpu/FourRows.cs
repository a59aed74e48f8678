namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Four rows.</summary>
internal readonly struct FourRows : IRowCount
{
    /// <inheritdoc/>
    public static int Count => 4;
}
