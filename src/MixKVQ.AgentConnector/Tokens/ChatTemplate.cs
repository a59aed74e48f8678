using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens.Templating;
using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>A model's chat template, which turns messages and tools into the text of a prompt. Immutable and safe for concurrent use.</summary>
internal sealed class ChatTemplate
{
    private readonly string _name;
    private readonly string _source;
    private readonly JinjaTemplate _template;
    private readonly ChatTemplate? _toolUse;

    private ChatTemplate(string name, string source, ChatTemplate? toolUse)
    {
        _name = name;
        _source = source;
        _template = ParseSource(source, name);
        _toolUse = toolUse;
    }

    /// <summary>
    /// Loads the template of a model folder: chat_template.jinja, else chat_template.json, else the chat_template of
    /// tokenizer_config.json. Of a list of named templates, tool_use renders input with tools, and default the rest.
    /// </summary>
    /// <exception cref="InvalidDataException">The folder has no template, or one that cannot be read.</exception>
    public static ChatTemplate Load(string folder)
    {
        ChatTemplateFile file = ChatTemplateFile.Find(folder);
        return new ChatTemplate(
            file.Path, file.Source, file.ToolUseSource is null ? null : Parse(file.ToolUseSource, $"{file.Path} (tool_use)"));
    }

    /// <summary>Parses a template; the name stands in its errors.</summary>
    /// <exception cref="InvalidDataException">The source is no template of the supported Jinja subset, or exceeds a limit.</exception>
    public static ChatTemplate Parse(string source, string name) => new(name, source, null);

    /// <summary>Whether the text stands in the template's source.</summary>
    public bool Mentions(string text) => _source.Contains(text, StringComparison.Ordinal) || _toolUse?.Mentions(text) == true;

    /// <summary>Renders a prompt.</summary>
    /// <exception cref="InvalidDataException">The template fails, refuses the messages or exceeds a limit.</exception>
    /// <exception cref="OperationCanceledException">The rendering was cancelled.</exception>
    public string Render(ChatTemplateInput input, CancellationToken cancellationToken)
    {
        if (_toolUse is not null && input.Tools is { Count: > 0 })
        {
            return _toolUse.Render(input, cancellationToken);
        }

        try
        {
            return _template.Render(Variables(input), input.Now ?? TimeProvider.System.GetLocalNow(), cancellationToken);
        }
        catch (TemplateException e)
        {
            throw Wrap(_name, e);
        }
    }

    // As Transformers does, tools are none, not undefined, where there are none.
    private static Dictionary<string, TemplateValue> Variables(ChatTemplateInput input)
    {
        var variables = new Dictionary<string, TemplateValue>(StringComparer.Ordinal);
        foreach ((string name, JsonNode? value) in input.Variables ?? [])
        {
            variables[name] = JsonValues.From(value);
        }

        variables["messages"] = JsonValues.From(input.Messages);
        variables["tools"] = JsonValues.From(input.Tools);
        variables["add_generation_prompt"] = BooleanValue.Of(input.AddGenerationPrompt);
        return variables;
    }

    private static JinjaTemplate ParseSource(string source, string name)
    {
        try
        {
            return JinjaTemplate.Parse(source);
        }
        catch (TemplateException e)
        {
            throw Wrap(name, e);
        }
    }

    private static InvalidDataException Wrap(string name, TemplateException e)
        => new(e.Line > 0 ? $"Chat template {name}, line {e.Line}: {e.Reason}." : $"Chat template {name}: {e.Reason}.", e);
}
