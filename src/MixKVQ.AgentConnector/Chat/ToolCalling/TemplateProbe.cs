using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>Finds a template's traits: renders small dialogues and looks whether all that was said is there.</summary>
internal sealed class TemplateProbe
{
    private const string UserText = "probeuserone";
    private const string LaterUserText = "probeusertwo";
    private const string SystemText = "probesystemone";
    private const string LaterSystemText = "probesystemtwo";
    private const string AnswerText = "probeanswerone";
    private const string LaterAnswerText = "probeanswertwo";
    private const string ResultText = "proberesultone";
    private const string LaterResultText = "proberesulttwo";
    private const string ToolName = "probe_tool";
    private const string LongIds = "call_0123456789abcdef";
    private const string ShortIds = "probeid0";

    private static readonly JsonArray Definitions = JsonNode.Parse(
        """
        [{"type": "function", "function": {"name": "probe_tool", "description": "A tool.", "parameters": {"type": "object",
        "properties": {"word": {"type": "string", "description": "A word."}, "count": {"type": "integer", "description": "A number."}}, "required": ["word"]}}}]
        """)!.AsArray();

    private readonly ChatTemplate _template;
    private readonly ToolCallFormat _format;
    private readonly JsonArray? _tools;

    private TemplateProbe(ChatTemplate template, ToolCallFormat format, bool withTools)
    {
        _template = template;
        _format = format;
        _tools = withTools ? Definitions : null;
    }

    /// <summary>The traits of a template.</summary>
    /// <param name="template">The template.</param>
    /// <param name="format">How calls should come out.</param>
    /// <param name="withTools">Whether it is given tools: a template may render a dialogue otherwise then.</param>
    public static TemplateTraits Run(ChatTemplate template, ToolCallFormat format, bool withTools) => new TemplateProbe(template, format, withTools).Run();

    private TemplateTraits Run()
    {
        if (Render(User(UserText)) is not { } plain)
        {
            // It refuses everything: the first request says why.
            return new TemplateTraits();
        }

        string ids = ShowsToolTurns(LongIds) ? LongIds : ShortIds;
        bool rendersToolTurns = ids == LongIds || ShowsToolTurns(ids);
        return new TemplateTraits
        {
            RendersTools = plain.Contains(ToolName, StringComparison.Ordinal),
            RendersToolTurns = rendersToolTurns,
            NeedsShortIds = ids == ShortIds && rendersToolTurns,
            RendersParallelCalls = Reads(
                Render(User(UserText), Calls(null, ids, 1, 2), Result(ids, 1, ResultText), Result(ids, 2, LaterResultText)), UserText, ids, [1, 2], [ResultText, LaterResultText]),
            SplitsTextFromCalls = rendersToolTurns
                && !Shows(User(UserText), Calls(AnswerText, ids, 1), Result(ids, 1, ResultText))
                && Shows(User(UserText), Text("assistant", AnswerText), Calls(null, ids, 1), Result(ids, 1, ResultText), Text("assistant", LaterAnswerText), User(LaterUserText)),
            AcceptsSystem = Shows(Text("system", SystemText), User(UserText), Text("assistant", AnswerText), User(LaterUserText)),
            AcceptsLateSystem = Shows(Text("system", SystemText), User(UserText), Text("assistant", AnswerText), Text("system", LaterSystemText), User(LaterUserText)),
            AcceptsNeighbours = Shows(User(UserText), User(LaterUserText), Text("assistant", AnswerText), Text("assistant", LaterAnswerText)),
        };
    }

    /// <summary>Whether two rounds of call and result come out, the calls as the model writes them.</summary>
    private bool ShowsToolTurns(string ids)
    {
        string? text = Render(
            User(UserText), Calls(null, ids, 1), Result(ids, 1, ResultText), Text("assistant", AnswerText), User(LaterUserText), Calls(null, ids, 2), Result(ids, 2, LaterResultText));
        return Reads(text, UserText, ids, [1], [ResultText]) && Reads(text, LaterUserText, ids, [2], [LaterResultText]);
    }

    private bool Reads(string? text, string user, string ids, int[] calls, string[] results)
    {
        int start = text?.IndexOf(user, StringComparison.Ordinal) ?? -1;
        int end = start < 0 ? -1 : text!.IndexOf(results[0], start, StringComparison.Ordinal);
        int opening = end < 0 ? -1 : text!.IndexOf(_format.Layout.Opening, start, end - start, StringComparison.Ordinal);
        if (opening < 0 || !results.All(result => text!.IndexOf(result, opening, StringComparison.Ordinal) >= 0))
        {
            return false;
        }

        var reader = new AnswerReader(_format, new OfferedTools(Definitions));
        var parts = new List<AnswerPart>();
        reader.Append(text![opening..end], parts);
        reader.Finish(parts);
        ToolCall[] read = [.. parts.Select(part => part.Call).OfType<ToolCall>()];
        return read.Length == calls.Length && read.Zip(calls).All(pair => pair.First.IsSameCall(Call(ids, pair.Second)));
    }

    /// <summary>Whether all texts of the messages come out.</summary>
    private bool Shows(params JsonObject[] messages) =>
        Render(messages) is { } rendered
        && messages.All(message => message["content"]?.GetValue<string>() is not { } text || rendered.Contains(text, StringComparison.Ordinal));

    private string? Render(params JsonObject[] messages)
    {
        try
        {
            return _template.Render(
                new ChatTemplateInput([.. messages.Select(message => message.DeepClone())], _tools, AddGenerationPrompt: true, new JsonObject { ["bos_token"] = "", ["eos_token"] = "" }, IsProbe: true),
                CancellationToken.None);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    private static JsonObject User(string text) => Text("user", text);

    private static JsonObject Text(string role, string text) => new() { ["role"] = role, ["content"] = text };

    private static JsonObject Result(string ids, int call, string text) =>
        new() { ["role"] = "tool", ["content"] = text, ["tool_call_id"] = $"{ids}{call}", ["name"] = ToolName };

    private static ToolCall Call(string ids, int number) => new($"{ids}{number}", ToolName, new JsonObject { ["word"] = "a \"word\"", ["count"] = number });

    private static JsonObject Calls(string? text, string ids, params int[] calls) => new()
    {
        ["role"] = "assistant",
        ["content"] = text,
        ["tool_calls"] = new JsonArray([.. calls.Select(number => Call(ids, number)).Select(JsonNode? (call) => new JsonObject
        {
            ["id"] = call.Id,
            ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = call.Arguments.DeepClone() },
        })]),
    };
}
