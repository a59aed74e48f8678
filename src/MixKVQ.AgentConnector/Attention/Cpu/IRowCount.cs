namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>A number of rows that the compiler knows, so that a kernel is compiled for each without branches.</summary>
internal interface IRowCount
{
    /// <summary>1, 2 or 4.</summary>
    static abstract int Count { get; }
}
