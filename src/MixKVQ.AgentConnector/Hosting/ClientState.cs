namespace MixKVQ.AgentConnector.Hosting;

/// <summary>Where a client stands.</summary>
internal enum ClientState
{
    /// <summary>Nobody has asked for the model yet.</summary>
    NotLoaded,

    /// <summary>The model is being loaded.</summary>
    Loading,

    /// <summary>The model is loaded.</summary>
    Ready,

    /// <summary>The last load failed; the next request tries again.</summary>
    Failed,

    /// <summary>The host shuts down: open turns run on, new ones are refused.</summary>
    Stopping,

    /// <summary>The client was disposed.</summary>
    Disposed,
}
