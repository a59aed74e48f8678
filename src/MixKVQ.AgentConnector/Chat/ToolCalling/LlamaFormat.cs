namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>
/// <c>{"name": …, "parameters": …}</c> as the whole answer: Llama 3. Nothing marks such a call, so only an object that
/// begins a line and names a tool on offer is one. Read as well are calls after <c>&lt;|python_tag|&gt;</c> and
/// <c>&lt;function=name&gt;{…}&lt;/function&gt;</c>.
/// </summary>
internal sealed class LlamaFormat : ToolCallFormat
{
    /// <summary>May stand before a call.</summary>
    public const string PythonTag = "<|python_tag|>";

    private static readonly string[] Keys = ["name", "type", "function", "id", "parameters", "arguments"];

    private static readonly ToolCallLayout Written = new(
        "{\"name\": \"",
        OpensAnswerOnly: true,
        BeforeFirst: "",
        [CallPart.Name, CallPart.Literal("\", \"parameters\": "), CallPart.Arguments, CallPart.Literal("}")],
        Separator: "; {\"name\": \"",
        AfterLast: "");

    private static readonly ToolCallLayout Tagged = Written with { Opening = PythonTag, OpensAnswerOnly = false, BeforeFirst = Written.Opening };

    /// <inheritdoc/>
    public override ToolCallLayout Layout => Written;

    /// <inheritdoc/>
    public override IReadOnlyList<ToolCallLayout> Layouts => [Written, Tagged];

    /// <inheritdoc/>
    public override CallOpening FindOpening(ReadOnlySpan<char> text, CallPlace place)
    {
        int start = place == CallPlace.AfterCall ? CallOpening.SkipSpace(text, 0, ";,") : 0;
        if (start > 0 && start == text.Length)
        {
            return CallOpening.Undecided;
        }

        switch (text[start])
        {
            case '{' when place != CallPlace.Text:
                return FindObject(text, start);
            case '<':
                CallOpening tagged = FindTagged(text[start..]);
                return tagged.Kind == CallOpeningKind.Call ? tagged with { Length = start + tagged.Length } : tagged;
            default:
                return CallOpening.None;
        }
    }

    /// <inheritdoc/>
    public override ToolCall? Read(string opening, string body, OfferedTools offered)
    {
        int tag = opening.IndexOf(XmlCallText.FunctionOpen, StringComparison.Ordinal);
        if (tag < 0)
        {
            ToolCall? call = ReadJsonCall(body);
            return call is not null && (opening.Contains(PythonTag, StringComparison.Ordinal) || offered.Has(call.Name)) ? call : null;
        }

        string[] parts = body[..^XmlCallText.FunctionClose.Length].Split('>', 2);
        string name = parts[0].Trim();
        return parts.Length == 2 && name.Length > 0 && ToolCallJson.TryReadArguments(parts[1], out var arguments) ? ToolCallJson.ToCall(NewId(), name, arguments) : null;
    }

    private static CallOpening FindTagged(ReadOnlySpan<char> text)
    {
        switch (CallOpening.Begins(text, XmlCallText.FunctionOpen))
        {
            case true:
                return CallOpening.Call(XmlCallText.FunctionOpen.Length, new TaggedBody(XmlCallText.FunctionClose));
            case null:
                return CallOpening.Undecided;
        }

        if (CallOpening.Begins(text, PythonTag) is not true)
        {
            return CallOpening.Begins(text, PythonTag) is null ? CallOpening.Undecided : CallOpening.None;
        }

        int start = CallOpening.SkipSpace(text, PythonTag.Length);
        return start == text.Length ? CallOpening.Undecided
            : text[start] == '{' ? CallOpening.Call(start, new JsonBody())
            : CallOpening.None;
    }

    /// <summary>An object at <paramref name="start"/> whose first key is one that calls have; other JSON streams as the text it is.</summary>
    private static CallOpening FindObject(ReadOnlySpan<char> text, int start)
    {
        int quote = CallOpening.SkipSpace(text, start + 1);
        if (quote == text.Length)
        {
            return CallOpening.Undecided;
        }

        foreach (string key in Keys)
        {
            switch (CallOpening.Begins(text[quote..], $"\"{key}\""))
            {
                case true:
                    return CallOpening.Call(start, new JsonBody());
                case null:
                    return CallOpening.Undecided;
            }
        }

        return CallOpening.None;
    }
}
