namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>What a save did.</summary>
/// <param name="WrittenBytes">Bytes that were written.</param>
/// <param name="EvictedIds">The conversations that went to keep the folder's limit; the saved one where it is longer alone.</param>
internal sealed record FolderSave(long WrittenBytes, IReadOnlyList<string> EvictedIds);
