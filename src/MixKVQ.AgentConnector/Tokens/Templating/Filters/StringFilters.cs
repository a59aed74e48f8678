using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating.Filters;

/// <summary>Filters of strings; numbers and booleans are taken as their text.</summary>
internal static class StringFilters
{
    private const int DefaultIndent = 4;

    public static Dictionary<string, TemplateFilter> All { get; } = new()
    {
        ["upper"] = (run, operand, _) => run.Text(Text(run, operand).ToUpperInvariant()),
        ["lower"] = (run, operand, _) => run.Text(Text(run, operand).ToLowerInvariant()),
        ["title"] = (run, operand, _) => run.Text(TextRules.TitleCase(Text(run, operand))),
        ["capitalize"] = (run, operand, _) => run.Text(StringMethods.Capitalize(Text(run, operand))),
        ["trim"] = Trim,
        ["indent"] = Indent,
        ["replace"] = (run, operand, arguments) => StringMethods.Replace(run, Text(run, operand), arguments),
        ["escape"] = Escape,
        ["e"] = Escape,
    };

    private static string Text(TemplateRun run, TemplateValue operand)
    {
        // Undefined is empty, as in Jinja2: Hermes' template trims descriptions that parameters need not have.
        if (operand is not StringValue and not NumberValue and not BooleanValue and not UndefinedValue)
        {
            throw run.Error($"a filter of strings is applied to {operand.Kind}");
        }

        string text = ValueText.ForOutput(run, operand);
        run.StepOver(text);
        return text;
    }

    private static StringValue Trim(TemplateRun run, TemplateValue operand, CallArguments arguments)
    {
        string text = Text(run, operand);
        return run.Text(arguments.Find(0, "chars") is null ? TextRules.Trim(text) : text.Trim(arguments.RequireText(0, "chars").ToCharArray()));
    }

    private static StringValue Indent(TemplateRun run, TemplateValue operand, CallArguments arguments)
    {
        int width = Math.Max(0, arguments.Integer(0, "width", DefaultIndent));
        bool indentsFirst = arguments.Boolean(1, "first");
        bool indentsBlank = arguments.Boolean(2, "blank");
        run.ReserveChars(width);
        var indent = new string(' ', width);
        var output = new TemplateOutput(run, isValue: true);
        bool isFirst = true;
        foreach (TemplateValue line in StringSplitting.Split(run, Text(run, operand), "\n", int.MaxValue).Items)
        {
            string text = ((StringValue)line).Text;
            bool isIndented = (indentsFirst || !isFirst) && (indentsBlank || text.Length > 0);
            output.Append(isFirst ? "" : "\n");
            output.Append(isIndented ? indent : "");
            output.Append(text);
            isFirst = false;
        }

        return run.Text(output.ToString());
    }

    private static StringValue Escape(TemplateRun run, TemplateValue operand, CallArguments arguments)
    {
        var output = new TemplateOutput(run, isValue: true);
        string text = Text(run, operand);
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            string? entity = text[i] switch { '&' => "&amp;", '<' => "&lt;", '>' => "&gt;", '"' => "&#34;", '\'' => "&#39;", _ => null };
            if (entity is not null)
            {
                output.Append(text[start..i]);
                output.Append(entity);
                start = i + 1;
            }
        }

        output.Append(text[start..]);
        return run.Text(output.ToString());
    }
}
