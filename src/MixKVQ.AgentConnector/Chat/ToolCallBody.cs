using System.Text;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>
/// Collects the text after <c>&lt;tool_call&gt;</c> and finds the tag that closes it. A tag inside a JSON string is
/// part of an argument. A literal line break cannot stand in a JSON string, so it ends one that was left open: a
/// malformed call swallows its own line at most.
/// </summary>
internal sealed class ToolCallBody
{
    private const string CloseTag = "</tool_call>";

    private readonly StringBuilder _text = new();
    private int _scanned;
    private bool _inString;
    private bool _escaped;

    /// <summary>Everything collected so far.</summary>
    public string Text => _text.ToString();

    /// <summary>Adds text. True once the closing tag has come: then <paramref name="rest"/> is what followed it and <see cref="Text"/> ends before it.</summary>
    public bool Append(string text, out string rest)
    {
        _text.Append(text);
        for (; _scanned < _text.Length; _scanned++)
        {
            char c = _text[_scanned];
            if (_escaped)
            {
                _escaped = false;
            }
            else if (_inString && c == '\\')
            {
                _escaped = true;
            }
            else if (c == '"')
            {
                _inString = !_inString;
            }
            else if (c == '\n')
            {
                _inString = false;
            }
            else if (!_inString && c == '>' && EndsWithCloseTag(_scanned + 1))
            {
                rest = _text.ToString(_scanned + 1, _text.Length - _scanned - 1);
                _text.Length = _scanned + 1 - CloseTag.Length;
                return true;
            }
        }

        rest = "";
        return false;
    }

    private bool EndsWithCloseTag(int end)
    {
        int start = end - CloseTag.Length;
        if (start < 0)
        {
            return false;
        }

        for (int i = 0; i < CloseTag.Length; i++)
        {
            if (_text[start + i] != CloseTag[i])
            {
                return false;
            }
        }

        return true;
    }
}
