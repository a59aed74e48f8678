namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>What a text begins with, as far as calls are concerned.</summary>
internal enum CallOpeningKind
{
    /// <summary>No markup.</summary>
    None,

    /// <summary>Markup perhaps: more text decides.</summary>
    Undecided,

    /// <summary>Markup that only ends the calls before it.</summary>
    Dropped,

    /// <summary>A call.</summary>
    Call,
}
