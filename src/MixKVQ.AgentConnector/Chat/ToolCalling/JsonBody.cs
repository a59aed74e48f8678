namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>
/// A call that ends with its JSON object; before the object a few characters of one line may stand. A literal line break
/// cannot stand in a JSON string: it shows that the call is broken.
/// </summary>
internal sealed class JsonBody : CallBody
{
    private const int MaxPrefix = 256;

    private int _depth;
    private bool _inString;
    private bool _escaped;

    /// <inheritdoc/>
    protected override bool EndsWith(char c)
    {
        if (_escaped)
        {
            _escaped = false;
        }
        else if (_inString)
        {
            _escaped = c == '\\';
            _inString = c != '"';
            IsBroken = c == '\n';
        }
        else if (_depth == 0)
        {
            _depth = c == '{' ? 1 : 0;
            IsBroken = _depth == 0 && (c == '\n' || Text.Length > MaxPrefix);
        }
        else
        {
            _inString = c == '"';
            _depth += c is '{' or '[' ? 1 : c is '}' or ']' ? -1 : 0;
            return _depth == 0;
        }

        return false;
    }
}
