namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>
/// A call that a tag closes. A tag inside a JSON string, or inside a parameter of the XML form, is part of an argument.
/// A literal line break cannot stand in a JSON string, so it ends one that was left open: a malformed call swallows its
/// own line at most.
/// </summary>
internal sealed class TaggedBody(string closeTag) : CallBody
{
    private bool? _isXml;
    private bool _inArgument;
    private bool _escaped;

    /// <inheritdoc/>
    protected override bool EndsWith(char c)
    {
        if (_isXml is null && !char.IsWhiteSpace(c))
        {
            _isXml = c == '<' && closeTag[0] == '<';
        }

        if (_isXml == true)
        {
            ReadXml(c);
        }
        else
        {
            ReadJson(c);
        }

        return !_inArgument && c == closeTag[^1] && EndsWith(closeTag);
    }

    private void ReadXml(char c)
    {
        _inArgument = c switch
        {
            '=' when !_inArgument => EndsWith(XmlCallText.ParameterOpen),
            '>' when _inArgument => !EndsWith(XmlCallText.ParameterClose),
            _ => _inArgument,
        };
    }

    private void ReadJson(char c)
    {
        if (_escaped)
        {
            _escaped = false;
        }
        else if (_inArgument && c == '\\')
        {
            _escaped = true;
        }
        else if (c == '"')
        {
            _inArgument = !_inArgument;
        }
        else if (c == '\n')
        {
            _inArgument = false;
        }
    }
}
