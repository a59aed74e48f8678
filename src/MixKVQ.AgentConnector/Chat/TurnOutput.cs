using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Chat.ToolCalling;
using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Sampling;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>Generated tokens to content: text stream, stop sequences, parts. One turn, one caller at a time.</summary>
internal sealed class TurnOutput(ChatRequest request, ModelTokenizer tokenizer, ToolCallFormat format, bool startsInThought, bool continuesText)
{
    /// <summary>Longer than what ends the calls of any format.</summary>
    private const int MaxTail = 64;

    private readonly TokenTextStream _text = tokenizer.OpenTextStream(continuesText);
    private readonly StopSequenceFilter _stops = new(request.StopSequences);
    private readonly ChatOutputParser _parser = new(startsInThought, format, new OfferedTools(request.Prompt.Tools));
    private readonly List<int> _tokenIds = [];
    private LogProbabilityList? _logProbabilities;
    private bool _stopped;
    private bool _afterThought;
    private string _tail = "";

    /// <summary>The ids generated so far, without the end token.</summary>
    public IReadOnlyList<int> TokenIds => _tokenIds;

    /// <summary>How many of them are thoughts.</summary>
    public int ReasoningTokenCount { get; private set; }

    /// <summary>Whether the answer is over although the model might go on: a stop sequence came, or the only call allowed.</summary>
    public bool IsOver => _stopped || (request.SingleToolCall && _parser.CallCount > 0 && _tail.EndsWith(format.Layout.AfterLast, StringComparison.Ordinal));

    /// <summary>What the model said, so far.</summary>
    public ChatTurn Turn => _parser.Turn;

    /// <summary>The log-probabilities of the tokens that are shown; null where none were reported.</summary>
    public IReadOnlyList<TokenLogProbability>? LogProbabilities => _logProbabilities?.Tokens;

    /// <summary>Takes the next token; returns what is decided.</summary>
    public IEnumerable<AIContent> Append(int tokenId, TokenLikelihood? likelihood = null)
    {
        _tokenIds.Add(tokenId);
        bool inThought = _parser.InThought;
        string text = _text.Append(tokenId);
        if (request.SingleToolCall)
        {
            _tail += text;
            _tail = _tail[Math.Max(0, _tail.Length - MaxTail)..];
        }

        IReadOnlyList<AIContent> parts = Parse(text);
        inThought |= _parser.InThought;
        ReasoningTokenCount += inThought ? 1 : 0;
        if (likelihood is not null && !(inThought && request.HideReasoning))
        {
            (_logProbabilities ??= new LogProbabilityList(tokenizer)).Add(tokenId, likelihood);
        }

        return Shown(parts);
    }

    /// <summary>Ends the output; returns what was held back.</summary>
    public IEnumerable<AIContent> Finish()
    {
        if (IsOver)
        {
            return Shown(_parser.Finish());
        }

        List<AIContent> parts = [.. Parse(_text.Flush())];
        if (!_stopped)
        {
            parts.AddRange(_parser.Append(_stops.Flush()));
        }

        return Shown([.. parts, .. _parser.Finish()]);
    }

    /// <summary>
    /// Looks for stop sequences in what is not thought, and parses the text before them. Line breaks between a thought and the
    /// answer belong to neither.
    /// </summary>
    private IReadOnlyList<AIContent> Parse(string text)
    {
        if (request.StopSequences.Count == 0)
        {
            return _parser.Append(text);
        }

        // Only the parser knows where a thought begins and ends: one character at a time, so that it is asked at each.
        var parts = new List<AIContent>();
        foreach (char next in text)
        {
            string single = next.ToString();
            bool isFree = _parser.InThought || (_afterThought && next == '\n');
            _afterThought = isFree;
            foreach (AIContent part in _parser.Append(isFree ? single : _stops.Append(single, out _stopped)))
            {
                Join(parts, part);
            }
        }

        return parts;
    }

    private static void Join(List<AIContent> parts, AIContent part)
    {
        switch (parts.LastOrDefault(), part)
        {
            case (TextContent text, TextContent more):
                parts[^1] = new TextContent(text.Text + more.Text);
                break;
            case (TextReasoningContent thought, TextReasoningContent more):
                parts[^1] = new TextReasoningContent(thought.Text + more.Text);
                break;
            default:
                parts.Add(part);
                break;
        }
    }

    private IEnumerable<AIContent> Shown(IReadOnlyList<AIContent> parts) =>
        request.HideReasoning ? parts.Where(part => part is not TextReasoningContent) : parts;
}
