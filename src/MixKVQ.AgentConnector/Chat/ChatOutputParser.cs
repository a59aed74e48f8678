using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Chat.ToolCalling;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>
/// Splits what the model writes, while it writes, into thoughts, answer text and tool calls. Text streams at once; only
/// what may still turn out to be markup, and line breaks that may belong to it, are held back. A malformed or unclosed
/// call comes back as text, as it was generated. One output, one thread.
/// </summary>
/// <param name="startsInThought">The prompt ended by opening a thought.</param>
/// <param name="format">How the model writes calls.</param>
/// <param name="offered">The tools on offer.</param>
internal sealed class ChatOutputParser(bool startsInThought, ToolCallFormat format, OfferedTools offered)
{
    private readonly List<AIContent> _parts = [];
    private readonly List<AnswerPart> _answerParts = [];
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _reasoning = new();
    private readonly List<ToolCall> _calls = [];
    private readonly AnswerReader _answer = new(format, offered);
    private string _pending = "";
    private State _state = startsInThought ? State.Thought : State.Opening;
    private bool _dropLineBreaks = startsInThought;

    private enum State
    {
        /// <summary>Only white space came so far: a thought may open.</summary>
        Opening,
        Thought,
        Answer,
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
            _ => ReadAnswer(),
        })
        {
        }

        return [.. _parts];
    }

    /// <summary>Ends the output; returns what was held back.</summary>
    public IReadOnlyList<AIContent> Finish()
    {
        _parts.Clear();
        if (_state == State.Thought)
        {
            EmitReasoning(TakeAll());
        }
        else
        {
            ReadAnswer();
            _answer.Finish(_answerParts);
            EmitAnswer();
        }

        return [.. _parts];
    }

    private bool ReadOpening()
    {
        string text = _pending.TrimStart();
        if (text.StartsWith(ThoughtTags.Open, StringComparison.Ordinal))
        {
            _pending = text[ThoughtTags.Open.Length..];
            _dropLineBreaks = true;
            return Enter(State.Thought);
        }

        return !ThoughtTags.Open.StartsWith(text, StringComparison.Ordinal) && Enter(State.Answer);
    }

    private bool ReadThought()
    {
        if (_dropLineBreaks)
        {
            _pending = _pending.TrimStart('\n');
            _dropLineBreaks = _pending.Length == 0;
        }

        int close = _pending.IndexOf(ThoughtTags.Close, StringComparison.Ordinal);
        if (close >= 0)
        {
            EmitReasoning(_pending[..close].TrimEnd('\n'));
            _pending = _pending[(close + ThoughtTags.Close.Length)..];
            _answer.DropLineBreaks();
            return Enter(State.Answer);
        }

        EmitReasoning(TakeDecided(ThoughtTags.Close));
        return false;
    }

    private bool ReadAnswer()
    {
        _answer.Append(TakeAll(), _answerParts);
        EmitAnswer();
        return false;
    }

    private bool Enter(State state)
    {
        _state = state;
        return true;
    }

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

    private void EmitAnswer()
    {
        foreach (AnswerPart part in _answerParts)
        {
            if (part.Call is { } call)
            {
                _calls.Add(call);
                _parts.Add(ToContent(call));
            }
            else
            {
                _text.Append(part.Text);
                _parts.Add(new TextContent(part.Text));
            }
        }

        _answerParts.Clear();
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
