namespace MixKVQ.AgentConnector.Tokens.Templating.Values;

/// <summary>A value that a template computes with.</summary>
internal abstract class TemplateValue
{
    /// <summary>The kind of value, in the words of Jinja's documentation, for messages.</summary>
    public abstract string Kind { get; }

    /// <summary>Whether a condition takes the value as true: not empty, not zero, not none, not undefined.</summary>
    public virtual bool IsTrue => true;
}
