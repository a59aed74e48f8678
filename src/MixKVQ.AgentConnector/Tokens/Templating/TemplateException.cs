namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>A template that cannot be parsed or rendered. Whoever knows the template's name wraps it.</summary>
internal sealed class TemplateException(int line, string reason) : Exception($"line {line}: {reason}")
{
    /// <summary>The source line, from 1; 0 where the fault is in the input.</summary>
    public int Line { get; } = line;

    public string Reason { get; } = reason;
}
