using MixKVQ.AgentConnector.Tokens.Templating.Syntax;
using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>
/// A template of the Jinja subset that model folders use. Immutable and safe for concurrent use; <see cref="TemplateLimits"/>
/// bound what an untrusted one can take.
/// </summary>
/// <remarks>
/// It renders what the npm package <c>@huggingface/jinja</c> renders. Where that one fails or follows JavaScript against
/// Jinja, Jinja decides: in the comparison of lists, mappings and unlike kinds, in mappings being iterable, in the text
/// before a <c>continue</c>, in how numbers print. A list or mapping joined to a string is its JSON, as where it is printed.
/// </remarks>
internal sealed class JinjaTemplate
{
    private readonly IReadOnlyList<Statement> _statements;

    private JinjaTemplate(IReadOnlyList<Statement> statements) => _statements = statements;

    /// <exception cref="TemplateException">The source is no template of the subset, or exceeds a limit.</exception>
    public static JinjaTemplate Parse(string source) => new(TemplateParser.Parse(source));

    /// <summary>Renders the template with the given variables; <paramref name="now"/> is what <c>strftime_now</c> prints, <paramref name="maxSteps"/> the most work.</summary>
    /// <exception cref="TemplateException">The template fails, refuses its input or exceeds a limit.</exception>
    /// <exception cref="OperationCanceledException">The rendering was cancelled.</exception>
    public string Render(IEnumerable<KeyValuePair<string, TemplateValue>> variables, DateTimeOffset now, CancellationToken cancellationToken, long maxSteps = TemplateLimits.MaxSteps)
    {
        var run = new TemplateRun(now, cancellationToken, maxSteps);
        var scope = new TemplateScope(null);
        TemplateGlobals.AddTo(scope, run);
        foreach ((string name, TemplateValue value) in variables)
        {
            scope.Set(name, value);
        }

        var output = new TemplateOutput(run, isValue: false);
        new TemplateInterpreter(run).Render(_statements, scope, output);
        return output.ToString();
    }
}
