namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>What a <see cref="CallPart"/> is.</summary>
internal enum CallPartKind
{
    /// <summary>The same text in every call.</summary>
    Literal,

    /// <summary>The tool's name.</summary>
    Name,

    /// <summary>The arguments as a JSON object.</summary>
    Arguments,
}
