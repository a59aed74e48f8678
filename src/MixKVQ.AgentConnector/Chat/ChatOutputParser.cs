using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>
/// Splits what the model writes, while it writes, into thoughts, answer text and tool calls of the Qwen/Hermes format.
/// Text streams at once; only what may still turn out to be markup, and line breaks that may belong to it, are held
/// back. A malformed or unclosed call comes back as text, as it was generated. One output, one thread.
/// </summary>
/// <param name="startsInThought">The prompt ended by opening a thought.</param>
internal sealed class ChatOutputParser(bool startsInThought)
{
    private const string ThinkOpen = "<think>";
    private const string ThinkClose = "</think>";
    private const string CallOpen = "<tool_call>";
    private const string CallClose = "</tool_call>";

    private readonly List<AIContent> _parts = [];
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _reasoning = new();
    private readonly List<ToolCall> _calls = [];
    private ToolCallBody? _call;
    private string _callLineBreaks = "";
    private string _pending = "";
    private State _state = startsInThought ? State.Thought : State.Opening;
    private bool _dropLineBreaks = startsInThought;

    private enum State
    {
        /// <summary>Only white space came so far: a thought may open.</summary>
        Opening,
        Thought,
        Answer,
        Call,
    }

    /// <summary>Whether the next text belongs to a thought.</summary>
    public bool InThought => _state == State.Thought;

    /// <summary>How many calls have come.</summary>
    public int CallCount => _calls.Count;

    /// <summary>Everything given out so far, as a turn.</summary>
    public ChatTurn Turn => new(TurnRole.Assistant, _text.ToString()) { Reasoning = _reasoning.ToString(), Calls = [.. _calls] };

    /// <summary>Takes the next text; returns what is decided.</summary>
    public IReadOnlyList<AIContent> Append(string text)
    {
        _parts.Clear();
        _pending += text;
        while (_state switch
        {
            State.Opening => ReadOpening(),
            State.Thought => ReadThought(),
            State.Answer => ReadAnswer(),
            _ => ReadCall(),
        })
        {
        }

        return [.. _parts];
    }

    /// <summary>Ends the output; returns what was held back.</summary>
    public IReadOnlyList<AIContent> Finish()
    {
        _parts.Clear();
        switch (_state)
        {
            case State.Thought:
                EmitReasoning(TakeAll());
                break;
            case State.Call:
                EmitText(_callLineBreaks + CallOpen + _call!.Text);
                break;
            default:
                EmitText(DropLeadingLineBreaks(TakeAll()));
                break;
        }

        return [.. _parts];
    }

    private bool ReadOpening()
    {
        string text = _pending.TrimStart();
        if (text.StartsWith(ThinkOpen, StringComparison.Ordinal))
        {
            _pending = text[ThinkOpen.Length..];
            return Enter(State.Thought, dropLineBreaks: true);
        }

        return !ThinkOpen.StartsWith(text, StringComparison.Ordinal) && Enter(State.Answer, dropLineBreaks: false);
    }

    private bool ReadThought()
    {
        if (!TryTakeLine())
        {
            return false;
        }

        int close = _pending.IndexOf(ThinkClose, StringComparison.Ordinal);
        if (close >= 0)
        {
            EmitReasoning(_pending[..close].TrimEnd('\n'));
            _pending = _pending[(close + ThinkClose.Length)..];
            return Enter(State.Answer, dropLineBreaks: true);
        }

        EmitReasoning(TakeDecided(ThinkClose));
        return false;
    }

    private bool ReadAnswer()
    {
        if (!TryTakeLine())
        {
            return false;
        }

        int open = _pending.IndexOf(CallOpen, StringComparison.Ordinal);
        if (open < 0)
        {
            EmitText(TakeDecided(CallOpen));
            return false;
        }

        string before = _pending[..open];
        string answer = before.TrimEnd('\n');
        EmitText(answer);
        _callLineBreaks = before[answer.Length..];
        _call = new ToolCallBody();
        _pending = _pending[(open + CallOpen.Length)..];
        return Enter(State.Call, dropLineBreaks: false);
    }

    private bool ReadCall()
    {
        if (!_call!.Append(TakeAll(), out string rest))
        {
            return false;
        }

        _pending = rest;
        if (ToolCallText.Parse(_call.Text) is not { } call)
        {
            EmitText(_callLineBreaks + CallOpen + _call.Text + CallClose);
            return Enter(State.Answer, dropLineBreaks: false);
        }

        _parts.Add(ToContent(call));
        _calls.Add(call);
        return Enter(State.Answer, dropLineBreaks: true);
    }

    private bool Enter(State state, bool dropLineBreaks)
    {
        _state = state;
        _dropLineBreaks = dropLineBreaks;
        return true;
    }

    /// <summary>Drops the line breaks that follow a tag. False where nothing is left to read.</summary>
    private bool TryTakeLine()
    {
        _pending = DropLeadingLineBreaks(_pending);
        _dropLineBreaks &= _pending.Length == 0;
        return _pending.Length > 0;
    }

    private string DropLeadingLineBreaks(string text) => _dropLineBreaks ? text.TrimStart('\n') : text;

    private string TakeAll()
    {
        string all = _pending;
        _pending = "";
        return all;
    }

    /// <summary>Takes the pending text but for an end that may be the beginning of line breaks and <paramref name="tag"/>.</summary>
    private string TakeDecided(string tag)
    {
        int tagLength = Math.Min(tag.Length - 1, _pending.Length);
        while (!_pending.AsSpan().EndsWith(tag.AsSpan(0, tagLength)))
        {
            tagLength--;
        }

        int decided = _pending.AsSpan(0, _pending.Length - tagLength).TrimEnd('\n').Length;
        string text = _pending[..decided];
        _pending = _pending[decided..];
        return text;
    }

    private void EmitText(string text)
    {
        if (text.Length > 0)
        {
            _text.Append(text);
            _parts.Add(new TextContent(text));
        }
    }

    private void EmitReasoning(string text)
    {
        if (text.Length > 0)
        {
            _reasoning.Append(text);
            _parts.Add(new TextReasoningContent(text));
        }
    }

    private static FunctionCallContent ToContent(ToolCall call) => new(
        call.Id,
        call.Name,
        call.Arguments.ToDictionary(
            argument => argument.Key,
            object? (argument) => argument.Value is null ? null : JsonSerializer.SerializeToElement(argument.Value)));
}
