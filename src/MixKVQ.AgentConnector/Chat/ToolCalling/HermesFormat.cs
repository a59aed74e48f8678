namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>
/// <c>&lt;tool_call&gt;{"name": …, "arguments": …}&lt;/tool_call&gt;</c>: Qwen, Hermes. Between the tags the XML form
/// of Qwen3-Coder is read as well.
/// </summary>
/// <param name="writesXml">Whether the model was trained on the XML form.</param>
internal sealed class HermesFormat(bool writesXml = false) : ToolCallFormat
{
    /// <summary>What begins a call.</summary>
    public const string Open = "<tool_call>";

    private const string Close = "</tool_call>";

    private static readonly ToolCallLayout Written = new(
        Open,
        OpensAnswerOnly: false,
        BeforeFirst: "",
        [CallPart.Literal("\n{\"name\": \""), CallPart.Name, CallPart.Literal("\", \"arguments\": "), CallPart.Arguments, CallPart.Literal("}\n" + Close)],
        Separator: "\n" + Open,
        AfterLast: "");

    /// <inheritdoc/>
    public override ToolCallLayout Layout => Written;

    /// <inheritdoc/>
    public override bool WritesJsonArguments => !writesXml;

    /// <inheritdoc/>
    public override CallOpening FindOpening(ReadOnlySpan<char> text, CallPlace place) => CallOpening.Begins(text, Open) switch
    {
        true => CallOpening.Call(Open.Length, new TaggedBody(Close)),
        null => CallOpening.Undecided,
        false => CallOpening.None,
    };

    /// <inheritdoc/>
    public override ToolCall? Read(string opening, string body, OfferedTools offered)
    {
        string call = body[..^Close.Length];
        return !call.AsSpan().TrimStart().StartsWith("<") ? ReadJsonCall(call)
            : XmlCallText.TryRead(call, offered, out string name, out var arguments) ? ToolCallJson.ToCall(NewId(), name, arguments)
            : null;
    }
}
