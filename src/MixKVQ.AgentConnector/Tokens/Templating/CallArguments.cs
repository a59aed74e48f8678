using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Evaluated arguments of a call, a filter or a test.</summary>
internal sealed class CallArguments(TemplateRun run, IReadOnlyList<TemplateValue> positional, IReadOnlyDictionary<string, TemplateValue> keywords)
{
    private static readonly Dictionary<string, TemplateValue> NoKeywords = [];

    public CallArguments(TemplateRun run, params IReadOnlyList<TemplateValue> positional)
        : this(run, positional, NoKeywords)
    {
    }

    public IReadOnlyList<TemplateValue> Positional { get; } = positional;

    public IReadOnlyDictionary<string, TemplateValue> Keywords { get; } = keywords;

    /// <summary>The argument at a position or with a name; null where it is not given.</summary>
    public TemplateValue? Find(int index, string name)
        => index < Positional.Count ? Positional[index] : Keywords.GetValueOrDefault(name);

    public TemplateValue Require(int index, string name) => Find(index, name) ?? throw run.Error($"the argument '{name}' is missing");

    public string RequireText(int index, string name) => AsText(Require(index, name), name);

    public string Text(int index, string name, string fallback)
        => Find(index, name) is { } value ? AsText(value, name) : fallback;

    public bool Boolean(int index, string name) => Find(index, name)?.IsTrue ?? false;

    /// <summary>A whole number within the range of an int; larger ones count as the range's end.</summary>
    public int Integer(int index, string name, int fallback) => Find(index, name) switch
    {
        null => fallback,
        NumberValue number => (int)Math.Clamp(number.Value, int.MinValue, int.MaxValue),
        BooleanValue boolean => boolean.Value ? 1 : 0,
        TemplateValue other => throw run.Error($"the argument '{name}' must be an integer, not {other.Kind}"),
    };

    /// <summary>All positional arguments but the first.</summary>
    public CallArguments SkipFirst() => new(run, [.. Positional.Skip(1)], Keywords);

    private string AsText(TemplateValue value, string name)
        => value is StringValue text ? text.Text : throw run.Error($"the argument '{name}' must be a string, not {value.Kind}");
}
