namespace MixKVQ.AgentConnector.Conversations;

/// <summary>How conversations are kept. Immutable.</summary>
/// <param name="Limits">How many, and for how long.</param>
/// <param name="Folder">The folder that they are written to; null for none.</param>
/// <param name="FolderLimitBytes">The most bytes in the folder.</param>
internal sealed record ConversationSettings(ConversationLimits Limits, string? Folder, long FolderLimitBytes);
