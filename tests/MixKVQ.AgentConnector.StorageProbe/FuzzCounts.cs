namespace MixKVQ.AgentConnector.StorageProbe;

/// <summary>What became of mutated files.</summary>
/// <param name="Refused">Files that were refused.</param>
/// <param name="Same">Files that were read as one of the files they were made of: the change was to bytes that say nothing.</param>
/// <param name="ForgedRefused">Files whose checksums were made right again, refused.</param>
/// <param name="ForgedRead">Files whose checksums were made right again, read as what they say.</param>
internal sealed record FuzzCounts(int Refused, int Same, int ForgedRefused, int ForgedRead);
