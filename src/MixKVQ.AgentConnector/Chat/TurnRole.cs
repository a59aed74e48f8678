namespace MixKVQ.AgentConnector.Chat;

/// <summary>Who speaks in a turn.</summary>
internal enum TurnRole
{
    /// <summary>The application: instructions.</summary>
    System,

    /// <summary>The person.</summary>
    User,

    /// <summary>The model.</summary>
    Assistant,

    /// <summary>One tool's result.</summary>
    Tool,
}
