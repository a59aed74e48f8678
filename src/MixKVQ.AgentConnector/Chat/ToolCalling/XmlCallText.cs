using System.Text.Json;
using System.Text.Json.Nodes;

namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>
/// Reads <c>&lt;function=name&gt; &lt;parameter=key&gt; value &lt;/parameter&gt; … &lt;/function&gt;</c>, the form of
/// Qwen3-Coder. Values are plain text there: the tool's schema tells what they stand for.
/// </summary>
internal static class XmlCallText
{
    /// <summary>What begins a parameter, before its name.</summary>
    public const string ParameterOpen = "<parameter=";

    /// <summary>What ends a parameter.</summary>
    public const string ParameterClose = "</parameter>";

    /// <summary>What begins a call, before its name.</summary>
    public const string FunctionOpen = "<function=";

    /// <summary>What ends a call.</summary>
    public const string FunctionClose = "</function>";

    /// <summary>Reads a call. False where the text is none.</summary>
    public static bool TryRead(string body, OfferedTools offered, out string name, out JsonObject arguments)
    {
        name = "";
        arguments = [];
        ReadOnlySpan<char> text = body.AsSpan().Trim();
        if (!text.StartsWith(FunctionOpen) || !TryTakeName(ref text, FunctionOpen, out name) || !text.EndsWith(FunctionClose))
        {
            return false;
        }

        text = text[..^FunctionClose.Length].Trim();
        while (text.Length > 0)
        {
            if (!text.StartsWith(ParameterOpen) || !TryTakeName(ref text, ParameterOpen, out string key) || arguments.ContainsKey(key))
            {
                return false;
            }

            int close = text.IndexOf(ParameterClose, StringComparison.Ordinal);
            if (close < 0)
            {
                return false;
            }

            arguments[key] = Value(WithoutOuterLineBreaks(text[..close]).ToString(), offered.IsText(name, key));
            text = text[(close + ParameterClose.Length)..].TrimStart();
        }

        return true;
    }

    private static bool TryTakeName(ref ReadOnlySpan<char> text, string open, out string name)
    {
        int end = text.IndexOf('>');
        name = end > open.Length ? text[open.Length..end].Trim().ToString() : "";
        text = text[(end + 1)..];
        return name.Length > 0 && !name.Contains('\n', StringComparison.Ordinal);
    }

    private static ReadOnlySpan<char> WithoutOuterLineBreaks(ReadOnlySpan<char> value)
    {
        value = value.StartsWith("\n") ? value[1..] : value;
        return value.EndsWith("\n") ? value[..^1] : value;
    }

    private static JsonNode? Value(string text, bool isText)
    {
        if (isText)
        {
            return text;
        }

        // The template prints what it is given, booleans and none perhaps as Python does.
        string json = text.Trim() switch { "True" => "true", "False" => "false", "None" => "null", var other => other };
        try
        {
            return JsonNode.Parse(json);
        }
        catch (JsonException)
        {
            return text;
        }
    }
}
