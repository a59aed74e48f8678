namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>One piece of how a call is written.</summary>
/// <param name="Kind">What stands here.</param>
/// <param name="Text">The text of a literal; empty for the others.</param>
internal readonly record struct CallPart(CallPartKind Kind, string Text)
{
    /// <summary>The tool's name, as it is.</summary>
    public static CallPart Name { get; } = new(CallPartKind.Name, "");

    /// <summary>The arguments, a JSON object.</summary>
    public static CallPart Arguments { get; } = new(CallPartKind.Arguments, "");

    /// <summary>Text that every call has here.</summary>
    public static CallPart Literal(string text) => new(CallPartKind.Literal, text);
}
