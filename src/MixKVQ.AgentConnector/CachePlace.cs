namespace MixKVQ.AgentConnector;

/// <summary>Where a conversation's cache is.</summary>
public enum CachePlace
{
    /// <summary>Nowhere: the next turn reads the conversation's tokens anew.</summary>
    None,

    /// <summary>On disk only: the next turn brings it back.</summary>
    Disk,

    /// <summary>In memory.</summary>
    Memory,
}
