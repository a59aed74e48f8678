using System.Globalization;
using System.Text;
using MixKVQ.AgentConnector.Tokens.Templating.Values;

namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>Writes values as JSON the way Python's <c>json.dumps</c> does, as chat templates expect it.</summary>
internal sealed class JsonText
{
    private readonly TemplateRun _run;
    private readonly JsonTextOptions _options;
    private readonly StringBuilder _text = new();

    private JsonText(TemplateRun run, JsonTextOptions options)
    {
        _run = run;
        _options = options;
    }

    /// <summary>The value's JSON; undefined is written as null.</summary>
    /// <exception cref="TemplateException">The value holds a function, is nested too deep, or is too large.</exception>
    public static string Write(TemplateRun run, TemplateValue value, JsonTextOptions options)
    {
        var writer = new JsonText(run, options);
        writer.Write(value, 0);
        run.ReserveChars(writer._text.Length);
        return writer._text.ToString();
    }

    private void Write(TemplateValue value, int depth)
    {
        if (depth > TemplateLimits.MaxValueDepth)
        {
            throw _run.Error($"the value is nested more than {TemplateLimits.MaxValueDepth} deep");
        }

        switch (value)
        {
            case NoneValue or UndefinedValue:
                Append("null");
                break;
            case BooleanValue or NumberValue:
                Append(ValueText.ForOutput(_run, value));
                break;
            case StringValue text:
                WriteString(text.Text);
                break;
            case ListValue list:
                WriteItems('[', ']', list.Items, depth, item => Write(item, depth + 1));
                break;
            case MapValue map:
                WriteEntries(map.Entries, depth);
                break;
            case NamespaceValue map:
                WriteEntries(map.Entries, depth);
                break;
            default:
                throw _run.Error($"a {value.Kind} has no JSON");
        }
    }

    private void WriteEntries(OrderedDictionary<string, TemplateValue> entries, int depth)
    {
        IReadOnlyCollection<KeyValuePair<string, TemplateValue>> ordered = entries;
        if (_options.SortKeys)
        {
            _run.ReserveEntries(entries.Count);
            ordered = [.. entries.OrderBy(entry => entry.Key, StringComparer.Ordinal)];
        }

        WriteItems('{', '}', ordered, depth, entry =>
        {
            WriteString(entry.Key);
            Append(_options.KeySeparator);
            Write(entry.Value, depth + 1);
        });
    }

    private void WriteItems<T>(char open, char close, IReadOnlyCollection<T> items, int depth, Action<T> writeItem)
    {
        Append(open.ToString());
        bool isFirst = true;
        foreach (T item in items)
        {
            if (!isFirst)
            {
                Append(_options.ItemSeparator);
            }

            isFirst = false;
            WriteLineBreak(depth + 1);
            writeItem(item);
        }

        if (items.Count > 0)
        {
            WriteLineBreak(depth);
        }

        Append(close.ToString());
    }

    private void WriteLineBreak(int depth)
    {
        if (_options.Indent > 0)
        {
            long width = (long)_options.Indent * depth;
            _run.ReserveChars(1 + width);
            _text.Append('\n').Append(' ', (int)width);
        }
    }

    private void WriteString(string text)
    {
        _run.ReserveChars(text.Length + 2);
        _text.Append('"');
        for (int i = 0; i < text.Length; i++)
        {
            bool isPaired = char.IsSurrogate(text[i]) && IsPaired(text, i);
            WriteCharacter(text[i], isPaired);
        }

        _text.Append('"');
    }

    private void WriteCharacter(char c, bool isPairedSurrogate)
    {
        _ = c switch
        {
            '"' => _text.Append("\\\""),
            '\\' => _text.Append("\\\\"),
            '\b' => _text.Append("\\b"),
            '\f' => _text.Append("\\f"),
            '\n' => _text.Append("\\n"),
            '\r' => _text.Append("\\r"),
            '\t' => _text.Append("\\t"),
            < ' ' => AppendEscaped(c),
            _ when char.IsSurrogate(c) && !isPairedSurrogate => AppendEscaped(c),
            // Noncharacters pass: callers may mark text with them.
            >= '\u007F' when _options.EnsureAscii && !IsNoncharacter(c) => AppendEscaped(c),
            _ => _text.Append(c),
        };
    }

    private StringBuilder AppendEscaped(char c)
    {
        const int EscapeChars = 6;
        _run.ReserveChars(EscapeChars);
        return _text.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
    }

    private static bool IsPaired(string text, int index)
        => char.IsHighSurrogate(text[index])
            ? index + 1 < text.Length && char.IsLowSurrogate(text[index + 1])
            : index > 0 && char.IsHighSurrogate(text[index - 1]);

    private static bool IsNoncharacter(char c) => c is (>= '\uFDD0' and <= '\uFDEF') or '\uFFFE' or '\uFFFF';

    private void Append(string text)
    {
        _run.ReserveChars(text.Length);
        _text.Append(text);
    }
}
