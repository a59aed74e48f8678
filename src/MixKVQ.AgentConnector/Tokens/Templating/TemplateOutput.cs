using System.Text;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Collects rendered text: the template's output, or the text of a block that becomes a value.</summary>
internal sealed class TemplateOutput(TemplateRun run, bool isValue)
{
    private readonly StringBuilder _text = new();

    /// <summary>Appends text.</summary>
    /// <exception cref="TemplateException">The output, or the values of the run, exceed their limit.</exception>
    public void Append(string text)
    {
        if (isValue)
        {
            run.ReserveChars(text.Length);
        }
        else
        {
            run.StepOver(text);
            if (_text.Length + (long)text.Length > TemplateLimits.MaxOutputChars)
            {
                throw run.Error($"the output has more than {TemplateLimits.MaxOutputChars} characters");
            }
        }

        _text.Append(text);
    }

    public override string ToString() => _text.ToString();
}
