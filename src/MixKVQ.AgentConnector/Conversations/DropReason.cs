namespace MixKVQ.AgentConnector.Conversations;

/// <summary>Why a conversation is no longer known.</summary>
internal enum DropReason
{
    /// <summary>The application said so.</summary>
    Asked,

    /// <summary>Its time was over.</summary>
    Expired,

    /// <summary>More conversations than are kept were used after it.</summary>
    TooMany,
}
