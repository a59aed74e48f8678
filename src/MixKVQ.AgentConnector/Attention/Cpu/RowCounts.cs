namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>A number of rows that the compiler knows, so that a kernel is compiled for each without branches.</summary>
internal interface IRowCount
{
    /// <summary>1, 2 or 4.</summary>
    static abstract int Count { get; }
}

/// <summary>One row.</summary>
internal readonly struct OneRow : IRowCount
{
    /// <inheritdoc/>
    public static int Count => 1;
}

/// <summary>Two rows.</summary>
internal readonly struct TwoRows : IRowCount
{
    /// <inheritdoc/>
    public static int Count => 2;
}

/// <summary>Four rows.</summary>
internal readonly struct FourRows : IRowCount
{
    /// <inheritdoc/>
    public static int Count => 4;
}
