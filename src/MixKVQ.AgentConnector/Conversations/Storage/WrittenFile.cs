namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>A conversation's file as it was written: another in its place is known by these.</summary>
/// <param name="Bytes">Its length.</param>
/// <param name="Checksum">The checksum of its header, and so of everything in it.</param>
internal readonly record struct WrittenFile(long Bytes, UInt128 Checksum);
