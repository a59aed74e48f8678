namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Splits a template into tokens.</summary>
internal sealed partial class TemplateLexer
{
    // Longer operators stand before their beginnings.
    private static readonly string[] Operators =
        ["<=", ">=", "==", "!=", "**", "//", "(", ")", "{", "}", "[", "]", ",", ".", ":", "|", "<", ">", "+", "-", "~", "*", "/", "%", "="];

    private readonly TemplateSource _source;
    private readonly string _text;
    private readonly List<Token> _tokens = [];
    private int _position;
    private int _braceDepth;
    private bool _isInTag;

    // Whether the last token is text that nothing, not even a comment, separates from the position.
    private bool _isBehindText;

    private TemplateLexer(string source)
    {
        _source = new TemplateSource(source);
        _text = _source.Text;
    }

    /// <summary>The tokens of a template, the last of kind <see cref="TokenKind.End"/>.</summary>
    /// <exception cref="TemplateException">The text is no template, or exceeds a limit.</exception>
    public static List<Token> Read(string source)
    {
        var lexer = new TemplateLexer(source);
        while (lexer._position < lexer._text.Length)
        {
            if (lexer._isInTag)
            {
                lexer.ReadInTag();
            }
            else
            {
                lexer.ReadOutsideTag();
            }
        }

        if (lexer._isInTag)
        {
            throw lexer.Error("the template ends inside a tag");
        }

        lexer.Add(TokenKind.End, "");
        return lexer._tokens;
    }

    private void ReadOutsideTag()
    {
        int start = _position;
        while (_position < _text.Length && !(_text[_position] == '{' && Peek(1) is '%' or '{' or '#'))
        {
            int next = _text.AsSpan(_position + 1).IndexOf('{');
            _position = next < 0 ? _text.Length : _position + 1 + next;
        }

        if (_position > start)
        {
            Add(TokenKind.Text, _text[start.._position], start);
            _isBehindText = true;
        }

        if (_position < _text.Length)
        {
            OpenTag(Peek(1));
        }
    }

    private void OpenTag(char kind)
    {
        bool strips = Peek(2) == '-';
        if (strips && _isBehindText)
        {
            Token text = _tokens[^1];
            string stripped = TextRules.TrimEnd(text.Text);
            _tokens.RemoveAt(_tokens.Count - 1);
            if (stripped.Length > 0)
            {
                _tokens.Add(text with { Text = stripped });
            }
        }

        _isBehindText = false;
        int start = _position;
        _position += strips ? 3 : 2;
        if (kind == '#')
        {
            SkipComment(start);
            return;
        }

        _isInTag = true;
        if (kind == '{')
        {
            _braceDepth = 0;
        }

        Add(kind == '{' ? TokenKind.OpenExpression : TokenKind.OpenStatement, kind == '{' ? "{{" : "{%", start);
    }

    private void SkipComment(int start)
    {
        int end = _text.IndexOf("#}", _position, StringComparison.Ordinal);
        if (end < 0)
        {
            throw new TemplateException(_source.LineAt(start), "the comment has no end: add #}");
        }

        bool strips = end > _position && _text[end - 1] == '-';
        _position = end + 2;
        if (strips)
        {
            SkipWhitespace();
        }
    }

    private void ReadInTag()
    {
        SkipWhitespace();
        if (_position == _text.Length || TryCloseTag())
        {
            return;
        }

        char c = _text[_position];
        if (c is '\'' or '"')
        {
            ReadString(c);
        }
        else if (char.IsAsciiDigit(c))
        {
            ReadNumber();
        }
        else if (c == '_' || char.IsAsciiLetter(c))
        {
            ReadName();
        }
        else
        {
            ReadOperator();
        }
    }

    private bool TryCloseTag()
    {
        bool strips = _text[_position] == '-';
        int at = strips ? 1 : 0;
        bool closesStatement = Peek(at) == '%' && Peek(at + 1) == '}';
        bool closesExpression = Peek(at) == '}' && Peek(at + 1) == '}' && (strips || _braceDepth <= 0);
        if (!closesStatement && !closesExpression)
        {
            return false;
        }

        Add(closesStatement ? TokenKind.CloseStatement : TokenKind.CloseExpression, closesStatement ? "%}" : "}}");
        _position += at + 2;
        _isInTag = false;
        if (strips)
        {
            SkipWhitespace();
        }

        return true;
    }
}
