using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>How a family of models calls tools: how calls are written and read back, and how tools are described where the chat template does not. Immutable.</summary>
internal abstract class ToolCallFormat
{
    private const string ResponseOpen = "<tool_response>\n";
    private const string ResponseClose = "\n</tool_response>";

    /// <summary>How the model writes calls.</summary>
    public abstract ToolCallLayout Layout { get; }

    /// <summary>All ways in which the model may begin calls by itself, <see cref="Layout"/> among them.</summary>
    public virtual IReadOnlyList<ToolCallLayout> Layouts => [Layout];

    /// <summary>Whether the model was trained to write the arguments as JSON. Where not, it still reads back what <see cref="Layout"/> writes.</summary>
    public virtual bool WritesJsonArguments => true;

    /// <summary>Whether results stand inside the model's own turn, which goes on behind them.</summary>
    public virtual bool ResultsContinueAnswer => false;

    /// <summary>The format of a model: what its chat template shows, else what its tokenizer has tokens for, else Hermes.</summary>
    public static ToolCallFormat Detect(ChatTemplate template, ModelTokenizer tokenizer) =>
        Of(text => template.Source.Contains(text, StringComparison.Ordinal))
        ?? Of(text => tokenizer.FindAddedToken(text) is not null)
        ?? new HermesFormat();

    /// <summary>The markup of a call that <paramref name="text"/> begins with.</summary>
    /// <param name="text">What is known of the answer from here on.</param>
    /// <param name="place">Where it stands.</param>
    public abstract CallOpening FindOpening(ReadOnlySpan<char> text, CallPlace place);

    /// <summary>The call that was written, with an id of its own; null where it is none.</summary>
    /// <param name="opening">What <see cref="FindOpening"/> found.</param>
    /// <param name="body">What the opening's body collected.</param>
    /// <param name="offered">The tools on offer.</param>
    public abstract ToolCall? Read(string opening, string body, OfferedTools offered);

    /// <summary>Tells the model of tools and how to call them, for templates that do not.</summary>
    /// <param name="tools">The definitions as JSON, a line each, guarded.</param>
    public virtual string Instructions(IEnumerable<string> tools) =>
        $"""
        # Tools

        You may call one or more functions to help with the request. Their signatures are given as JSON within <tools></tools>:
        <tools>
        {string.Join('\n', tools)}
        </tools>

        To call functions, write each call in exactly this form, with the function's name and its arguments as a JSON object:
        {Layout.Write([("function-name", "{\"argument-name\": value}")])}

        The results are given to you within <tool_response></tool_response>.
        """.ReplaceLineEndings("\n");

    /// <summary>The results of calls as text, for templates without tool turns.</summary>
    /// <param name="results">The results in order, guarded.</param>
    /// <param name="endOfTurn">The token that ends a turn.</param>
    public virtual string WriteResults(IEnumerable<string> results, string endOfTurn) =>
        string.Join('\n', results.Select(result => ResponseOpen + result + ResponseClose));

    /// <summary>A new id for a call.</summary>
    protected virtual string NewId() => $"call_{Guid.NewGuid():N}";

    /// <summary>The call of a JSON object with name and arguments; null where the text is none.</summary>
    protected ToolCall? ReadJsonCall(string json) =>
        ToolCallJson.TryReadCall(json, out string? name, out var arguments) ? ToolCallJson.ToCall(NewId(), name, arguments) : null;

    private static ToolCallFormat? Of(Predicate<string> shows) =>
        shows(DeepSeekFormat.CallsOpen) ? new DeepSeekFormat()
        : shows(MistralFormat.Tag) ? new MistralFormat(writesNameFirst: shows(MistralFormat.ArgumentsTag))
        : shows(HermesFormat.Open) ? new HermesFormat(writesXml: shows(XmlCallText.FunctionOpen))
        : shows(LlamaFormat.PythonTag) || shows(XmlCallText.FunctionOpen) || (shows("tool_calls") && shows("\"parameters\"")) ? new LlamaFormat()
        : null;
}
