using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Python's methods of strings.</summary>
/// <remarks>
/// As in the npm package, <c>strip</c>, <c>lstrip</c> and <c>rstrip</c> take no account of an argument: they remove all
/// whitespace. Chat templates call them with <c>'\n'</c>.
/// </remarks>
internal static class StringMethods
{
    /// <summary>A string's method, bound to it; null where there is none of that name.</summary>
    public static TemplateValue? Find(TemplateRun run, string text, string name)
    {
        Func<CallArguments, TemplateValue>? method = name switch
        {
            "upper" => _ => run.Text(text.ToUpperInvariant()),
            "lower" => _ => run.Text(text.ToLowerInvariant()),
            "title" => _ => run.Text(TextRules.TitleCase(text)),
            "capitalize" => _ => run.Text(Capitalize(text)),
            "strip" => _ => run.Text(TextRules.Trim(text)),
            "lstrip" => _ => run.Text(TextRules.TrimStart(text)),
            "rstrip" => _ => run.Text(TextRules.TrimEnd(text)),
            "startswith" => arguments => BooleanValue.Of(Alternatives(run, arguments).Any(part => text.StartsWith(part, StringComparison.Ordinal))),
            "endswith" => arguments => BooleanValue.Of(Alternatives(run, arguments).Any(part => text.EndsWith(part, StringComparison.Ordinal))),
            "removeprefix" => arguments => run.Text(RemovePrefix(text, arguments.RequireText(0, "prefix"))),
            "removesuffix" => arguments => run.Text(RemoveSuffix(text, arguments.RequireText(0, "suffix"))),
            "find" => arguments => NumberValue.Integer(new TextSearch(run, arguments.RequireText(0, "sub")).IndexIn(text)),
            "count" => arguments => NumberValue.Integer(new TextSearch(run, NotEmpty(run, arguments.RequireText(0, "sub"))).PlacesIn(text, int.MaxValue).Count()),
            "isdigit" => _ => BooleanValue.Of(text.Length > 0 && text.All(char.IsDigit)),
            "isspace" => _ => BooleanValue.Of(text.Length > 0 && text.All(TextRules.IsWhitespace)),
            "split" => arguments => Split(run, text, arguments),
            "rsplit" => arguments => StringSplitting.SplitFromEnd(run, text, NotEmpty(run, arguments.RequireText(0, "sep")), Limit(arguments, 1, "maxsplit")),
            "splitlines" => _ => StringSplitting.SplitLines(run, text),
            "replace" => arguments => Replace(run, text, arguments),
            "join" => arguments => Join(run, text, Iteration.Items(run, arguments.Require(0, "iterable"))),
            _ => null,
        };
        if (method is null)
        {
            return name == "length" ? NumberValue.Integer(text.Length) : null;
        }

        return new FunctionValue(name, (arguments, _) =>
        {
            run.StepOver(text);
            return method(arguments);
        });
    }

    public static string Capitalize(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    /// <summary><c>replace(old, new, count)</c>.</summary>
    public static StringValue Replace(TemplateRun run, string text, CallArguments arguments)
    {
        string old = arguments.RequireText(0, "old");
        string replacement = arguments.RequireText(1, "new");
        int limit = Limit(arguments, 2, "count");
        var output = new TemplateOutput(run, isValue: true);
        int start = 0;
        foreach (int place in old.Length == 0 ? Boundaries(text).Take(limit) : new TextSearch(run, old).PlacesIn(text, limit))
        {
            output.Append(text[start..place]);
            output.Append(replacement);
            start = place + old.Length;
        }

        output.Append(text[start..]);
        return run.Text(output.ToString());
    }

    /// <summary>The values' text with a separator between.</summary>
    public static StringValue Join(TemplateRun run, string separator, IReadOnlyList<TemplateValue> values)
    {
        var output = new TemplateOutput(run, isValue: true);
        for (int i = 0; i < values.Count; i++)
        {
            output.Append(i == 0 ? "" : separator);
            output.Append(ValueText.ForOutput(run, values[i]));
        }

        return run.Text(output.ToString());
    }

    private static ListValue Split(TemplateRun run, string text, CallArguments arguments)
    {
        int limit = Limit(arguments, 1, "maxsplit");
        return arguments.Find(0, "sep") is null or NoneValue
            ? StringSplitting.SplitWords(run, text, limit)
            : StringSplitting.Split(run, text, NotEmpty(run, arguments.RequireText(0, "sep")), limit);
    }

    /// <summary>A count of which negative or none means no limit.</summary>
    private static int Limit(CallArguments arguments, int index, string name)
    {
        int limit = arguments.Find(index, name) is NoneValue ? -1 : arguments.Integer(index, name, -1);
        return limit < 0 ? int.MaxValue : limit;
    }

    /// <summary>The string, or the strings of the tuple, that <c>startswith</c> and <c>endswith</c> are given.</summary>
    private static IEnumerable<string> Alternatives(TemplateRun run, CallArguments arguments)
    {
        TemplateValue first = arguments.Require(0, "prefix");
        foreach (TemplateValue part in first is ListValue list ? list.Items : [first])
        {
            if (part is not StringValue text)
            {
                throw run.Error($"a string begins or ends with strings, not with {part.Kind}");
            }

            run.StepOver(text.Text);
            yield return text.Text;
        }
    }

    private static string RemovePrefix(string text, string prefix) => text.StartsWith(prefix, StringComparison.Ordinal) ? text[prefix.Length..] : text;

    private static string RemoveSuffix(string text, string suffix) => text.EndsWith(suffix, StringComparison.Ordinal) ? text[..^suffix.Length] : text;

    /// <summary>The places before each code point, and the end.</summary>
    private static IEnumerable<int> Boundaries(string text)
    {
        for (int i = 0; i <= text.Length; i++)
        {
            if (i == 0 || i == text.Length || !char.IsSurrogatePair(text[i - 1], text[i]))
            {
                yield return i;
            }
        }
    }

    private static string NotEmpty(TemplateRun run, string separator)
        => separator.Length > 0 ? separator : throw run.Error("the text to split at or to count is empty");
}
