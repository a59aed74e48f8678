namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>Where in an answer a text stands.</summary>
internal enum CallPlace
{
    /// <summary>In the middle of a line.</summary>
    Text,

    /// <summary>Where a line begins, or the answer.</summary>
    LineStart,

    /// <summary>Right behind a call.</summary>
    AfterCall,
}
