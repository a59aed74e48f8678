namespace MixKVQ.AgentConnector.Cache;

/// <summary>Counts bytes that are held. Thread-safe.</summary>
internal sealed class ByteMeter
{
    private long _value;

    /// <summary>Bytes held now.</summary>
    public long Value => Interlocked.Read(ref _value);

    /// <summary>Counts bytes taken, or given back where negative.</summary>
    public void Add(long bytes) => Interlocked.Add(ref _value, bytes);
}
