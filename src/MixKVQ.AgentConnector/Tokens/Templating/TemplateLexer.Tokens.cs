using System.Globalization;
using System.Text;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <content>Tokens inside a tag.</content>
internal sealed partial class TemplateLexer
{
    private void ReadOperator()
    {
        string? found = Operators.FirstOrDefault(o => string.CompareOrdinal(_text, _position, o, 0, o.Length) == 0)
            ?? throw Error($"unexpected character '{_text[_position]}'");
        _braceDepth += found switch { "{" => 1, "}" => -1, _ => 0 };
        Add(TokenKind.Operator, found);
        _position += found.Length;
    }

    private void ReadName()
    {
        int start = _position;
        while (_position < _text.Length && (_text[_position] == '_' || char.IsAsciiLetterOrDigit(_text[_position])))
        {
            _position++;
        }

        if (_position - start > TemplateLimits.MaxNameChars)
        {
            throw Error($"a name is longer than {TemplateLimits.MaxNameChars} characters");
        }

        Add(TokenKind.Name, _text[start.._position], start);
    }

    private void ReadNumber()
    {
        int start = _position;
        SkipDigits();
        // Behind a dot stands an index: a.0.1 is no fraction.
        if (!_tokens[^1].IsOperator(".") && Peek(0) == '.' && char.IsAsciiDigit(Peek(1)))
        {
            _position++;
            SkipDigits();
        }

        Add(TokenKind.Number, _text[start.._position], start);
    }

    private void ReadString(char quote)
    {
        int start = _position++;
        var value = new StringBuilder();
        while (true)
        {
            int length = _text.AsSpan(_position).IndexOfAny(quote, '\\');
            if (length < 0)
            {
                throw new TemplateException(_source.LineAt(start), "the string has no end");
            }

            value.Append(_text, _position, length);
            _position += length;
            if (_text[_position++] == quote)
            {
                Add(TokenKind.String, value.ToString(), start);
                return;
            }

            ReadEscape(value);
        }
    }

    private void ReadEscape(StringBuilder value)
    {
        if (_position == _text.Length)
        {
            throw Error("the string has no end");
        }

        char c = _text[_position++];
        if (c is 'x' or 'u')
        {
            int length = c == 'x' ? 2 : 4;
            if (_position + length > _text.Length
                || !ushort.TryParse(_text.AsSpan(_position, length), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort code))
            {
                throw Error($"the escape \\{c} needs {length} hexadecimal digits");
            }

            value.Append((char)code);
            _position += length;
            return;
        }

        _ = c switch
        {
            'n' => value.Append('\n'),
            't' => value.Append('\t'),
            'r' => value.Append('\r'),
            'b' => value.Append('\b'),
            'f' => value.Append('\f'),
            'v' => value.Append('\v'),
            '\'' or '"' or '\\' => value.Append(c),
            // As in Python, an unknown escape stands for itself.
            _ => value.Append('\\').Append(c),
        };
    }

    private void SkipDigits()
    {
        while (char.IsAsciiDigit(Peek(0)))
        {
            _position++;
        }
    }

    private void SkipWhitespace()
    {
        while (_position < _text.Length && TextRules.IsWhitespace(_text[_position]))
        {
            _position++;
        }
    }

    /// <summary>The character at an offset from the position; NUL behind the end.</summary>
    private char Peek(int offset) => _position + offset < _text.Length ? _text[_position + offset] : '\0';

    private void Add(TokenKind kind, string text) => Add(kind, text, _position);

    private void Add(TokenKind kind, string text, int start)
    {
        if (_tokens.Count >= TemplateLimits.MaxTokenCount)
        {
            throw Error($"the template has more than {TemplateLimits.MaxTokenCount} tokens");
        }

        _tokens.Add(new Token(kind, text, _source.LineAt(start)));
    }

    private TemplateException Error(string reason) => new(_source.LineAt(_position), reason);
}
