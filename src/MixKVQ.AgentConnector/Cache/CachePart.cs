namespace MixKVQ.AgentConnector.Cache;

/// <summary>One piece of memory that a cache holds and others may hold too: a page, the sinks, the tail with its statistics.</summary>
/// <param name="Identity">The same object in every cache that shares the piece. Compared by reference; holds nothing alive that matters.</param>
/// <param name="Bytes">Its bytes.</param>
internal readonly record struct CachePart(object Identity, long Bytes);
