namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>
/// DeepSeek-R1: each call between tags of its own, as <c>function</c>, the name and a fenced block of JSON; all calls
/// of a turn between two more tags, of which models may forget the last. The form of DeepSeek-V3.1, which has neither
/// word nor fence, is read as well.
/// </summary>
internal sealed class DeepSeekFormat : ToolCallFormat
{
    /// <summary>What begins the calls of a turn.</summary>
    public const string CallsOpen = "<｜tool▁calls▁begin｜>";

    private const string CallsClose = "<｜tool▁calls▁end｜>";
    private const string CallOpen = "<｜tool▁call▁begin｜>";
    private const string CallClose = "<｜tool▁call▁end｜>";
    private const string Separator = "<｜tool▁sep｜>";
    private const string Kind = "function";
    private const string FenceOpen = "```json";
    private const string FenceClose = "```";
    private const string ResultsOpen = "<｜tool▁outputs▁begin｜>";
    private const string ResultsClose = "<｜tool▁outputs▁end｜>";
    private const string ResultOpen = "<｜tool▁output▁begin｜>";
    private const string ResultClose = "<｜tool▁output▁end｜>";

    private static readonly ToolCallLayout Written = new(
        CallsOpen,
        OpensAnswerOnly: false,
        CallOpen + Kind + Separator,
        [CallPart.Name, CallPart.Literal("\n" + FenceOpen + "\n"), CallPart.Arguments, CallPart.Literal("\n" + FenceClose + CallClose)],
        "\n" + CallOpen + Kind + Separator,
        CallsClose);

    /// <inheritdoc/>
    public override ToolCallLayout Layout => Written;

    /// <inheritdoc/>
    public override bool ResultsContinueAnswer => true;

    /// <inheritdoc/>
    public override CallOpening FindOpening(ReadOnlySpan<char> text, CallPlace place)
    {
        if (text[0] != '<')
        {
            return CallOpening.None;
        }

        if (place == CallPlace.AfterCall && CallOpening.Begins(text, CallsClose) is var closes and not false)
        {
            return closes is null ? CallOpening.Undecided : CallOpening.Dropped(CallsClose.Length);
        }

        int start = 0;
        if (CallOpening.Begins(text, CallsOpen) is var opens and not false)
        {
            start = opens is null ? text.Length : CallOpening.SkipSpace(text, CallsOpen.Length);
        }

        return CallOpening.Begins(text[start..], CallOpen) switch
        {
            true => CallOpening.Call(start + CallOpen.Length, new TaggedBody(CallClose)),
            null => CallOpening.Undecided,
            false => CallOpening.None,
        };
    }

    /// <inheritdoc/>
    public override ToolCall? Read(string opening, string body, OfferedTools offered)
    {
        string[] parts = body[..^CallClose.Length].Split(Separator, 2);
        if (parts.Length < 2)
        {
            return null;
        }

        string name = parts[0].Trim();
        string json = parts[1];
        if (name == Kind && json.Split('\n', 2) is [string line, string rest])
        {
            (name, json) = (line.Trim(), rest);
        }

        ReadOnlySpan<char> trimmed = json.AsSpan().Trim();
        trimmed = trimmed.StartsWith(FenceOpen) ? trimmed[FenceOpen.Length..] : trimmed;
        trimmed = trimmed.EndsWith(FenceClose) ? trimmed[..^FenceClose.Length] : trimmed;
        return name.Length > 0 && ToolCallJson.TryReadArguments(trimmed.ToString(), out var arguments) ? ToolCallJson.ToCall(NewId(), name, arguments) : null;
    }

    /// <inheritdoc/>
    public override string Instructions(IEnumerable<string> tools) =>
        $"""
        ## Tools

        You have access to the following functions, each given as JSON:
        {string.Join('\n', tools)}

        To call functions, end your answer with the calls in exactly this form, with each function's name and its arguments as a JSON object:
        {Layout.Write([("function_name", "{\"argument_name\": value}"), ("another_function_name", "{}")])}
        """.ReplaceLineEndings("\n");

    /// <inheritdoc/>
    public override string WriteResults(IEnumerable<string> results, string endOfTurn) =>
        endOfTurn + ResultsOpen + string.Join('\n', results.Select(result => ResultOpen + result + ResultClose)) + ResultsClose;
}
