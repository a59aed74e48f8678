namespace MixKVQ.AgentConnector.Benchmarks.Measuring;

/// <summary>Memory that lies together.</summary>
/// <param name="start">Its first byte.</param>
/// <param name="bytes">Its length.</param>
internal readonly unsafe struct MemoryPiece(byte* start, int bytes)
{
    public readonly byte* Start = start;
    public readonly int Bytes = bytes;
}
