using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Tokens.Templating;
using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>A model's chat template, which turns messages and tools into the text of a prompt. Immutable and safe for concurrent use.</summary>
internal sealed class ChatTemplate
{
    private readonly string _name;
    private readonly JinjaTemplate _template;
    private readonly ChatTemplate? _toolUse;

    private ChatTemplate(string name, string source, JinjaTemplate template, ChatTemplate? toolUse)
    {
        _name = name;
        Source = source + toolUse?.Source;
        _template = template;
        _toolUse = toolUse;
    }

    /// <summary>The template's source text, that of its variant for tools included.</summary>
    public string Source { get; }

    /// <summary>
    /// Loads the template of a model folder: chat_template.jinja, else chat_template.json, else the chat_template of
    /// tokenizer_config.json. Of a list of named templates, tool_use renders input with tools, and default the rest.
    /// </summary>
    /// <exception cref="InvalidDataException">The folder has no template, or one that cannot be read.</exception>
    public static ChatTemplate Load(string folder)
    {
        ChatTemplateFile file = ChatTemplateFile.Find(folder);
        return new ChatTemplate(
            file.Path, file.Source, ParseSource(file.Source, file.Path), file.ToolUseSource is null ? null : Parse(file.ToolUseSource, $"{file.Path} (tool_use)"));
    }

    /// <summary>Parses a template; the name stands in its errors.</summary>
    /// <exception cref="InvalidDataException">The source is no template of the supported Jinja subset, or exceeds a limit.</exception>
    public static ChatTemplate Parse(string source, string name) => new(name, source, ParseSource(source, name), null);

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
            return _template.Render(Variables(input), input.Now ?? TimeProvider.System.GetLocalNow(), cancellationToken, input.IsProbe ? TemplateLimits.MaxProbeSteps : TemplateLimits.MaxSteps);
        }
        catch (TemplateException e)
        {
            throw Wrap(_name, e);
        }
    }

    /// <summary>A value's JSON as templates print it.</summary>
    /// <exception cref="InvalidDataException">The value is nested too deep.</exception>
    public static string ToJson(JsonNode? value)
    {
        try
        {
            return JsonText.Write(new TemplateRun(default, CancellationToken.None), JsonValues.From(value), JsonTextOptions.Default);
        }
        catch (TemplateException e)
        {
            throw new InvalidDataException($"A value cannot stand in a prompt: {e.Reason}.", e);
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
