namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>
/// Splits an answer, while it is written, into text and calls. Text is given out at once; only what may still turn out
/// to be markup, and line breaks that may belong to it, are held back. What is no sound call comes back as text, as it
/// was written. One answer, one thread.
/// </summary>
internal sealed class AnswerReader(ToolCallFormat format, OfferedTools offered)
{
    private const string Separators = " \r\n\t,;";

    private string _pending = "";
    private CallPlace _place = CallPlace.LineStart;
    private bool _dropLineBreaks;
    private string _lineBreaks = "";
    private string _opening = "";
    private CallBody? _body;

    /// <summary>Drops line breaks that begin the answer: they belong to the thought before it.</summary>
    public void DropLineBreaks() => _dropLineBreaks = true;

    /// <summary>Takes the next text; adds what is decided to <paramref name="parts"/>.</summary>
    public void Append(string text, List<AnswerPart> parts)
    {
        _pending += text;
        while (_body is null ? ReadText(parts) : ReadCall(parts))
        {
        }
    }

    /// <summary>Ends the answer; adds what was held back to <paramref name="parts"/>.</summary>
    public void Finish(List<AnswerPart> parts)
    {
        // What would have stood before another call is no text.
        bool isSeparator = _body is null && _place == CallPlace.AfterCall && _pending.AsSpan().Trim(Separators).IsEmpty;
        EmitText(isSeparator ? "" : _body is null ? TakeAll() : _lineBreaks + _opening + _body.Text, parts);
        _body = null;
    }

    private bool ReadText(List<AnswerPart> parts)
    {
        if (_dropLineBreaks)
        {
            _pending = _pending.TrimStart('\n');
            _dropLineBreaks = _pending.Length == 0;
        }

        for (int i = 0; i < _pending.Length; i++)
        {
            CallOpening opening = format.FindOpening(_pending.AsSpan(i), PlaceOf(i));
            switch (opening.Kind)
            {
                case CallOpeningKind.Undecided:
                    EmitText(Take(_pending.AsSpan(0, i).TrimEnd('\n').Length), parts);
                    return false;
                case CallOpeningKind.Dropped:
                    EmitText(Take(i), parts);
                    Take(opening.Length);
                    (_place, _dropLineBreaks) = (CallPlace.LineStart, true);
                    return true;
                case CallOpeningKind.Call:
                    string before = Take(i);
                    string text = before.TrimEnd('\n');
                    EmitText(text, parts);
                    _lineBreaks = before[text.Length..];
                    _opening = Take(opening.Length);
                    _body = opening.Body;
                    return true;
            }
        }

        EmitText(Take(_pending.AsSpan().TrimEnd('\n').Length), parts);
        return false;
    }

    private bool ReadCall(List<AnswerPart> parts)
    {
        if (!_body!.Append(TakeAll(), out string rest))
        {
            return false;
        }

        _pending = rest;
        string body = _body.Text.ToString();
        if (!_body.IsBroken && format.Read(_opening, body, offered) is { } call)
        {
            parts.Add(new AnswerPart("", call));
            (_place, _dropLineBreaks) = (CallPlace.AfterCall, true);
        }
        else
        {
            EmitText(_lineBreaks + _opening + body, parts);
        }

        _body = null;
        return true;
    }

    private CallPlace PlaceOf(int index) =>
        index == 0 ? _place
        : _pending[index - 1] == '\n' ? CallPlace.LineStart
        : _place == CallPlace.LineStart && _pending.AsSpan(0, index).IsWhiteSpace() ? CallPlace.LineStart
        : CallPlace.Text;

    private string TakeAll() => Take(_pending.Length);

    private string Take(int length)
    {
        string taken = _pending[..length];
        _pending = _pending[length..];
        return taken;
    }

    private void EmitText(string text, List<AnswerPart> parts)
    {
        if (text.Length > 0)
        {
            parts.Add(new AnswerPart(text, null));
            _place = _place == CallPlace.LineStart && string.IsNullOrWhiteSpace(text) ? CallPlace.LineStart : CallPlace.Text;
        }
    }
}
