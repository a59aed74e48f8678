using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector.Chat.ToolCalling;
using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Chat;

/// <summary>Generated tokens to content: text stream, stop sequences, parts. One turn, one caller at a time.</summary>
internal sealed class TurnOutput(ChatRequest request, ModelTokenizer tokenizer, ToolCallFormat format, bool startsInThought)
{
    private readonly TokenTextStream _text = tokenizer.OpenTextStream();
    private readonly StopSequenceFilter _stops = new(request.StopSequences);
    private readonly ChatOutputParser _parser = new(startsInThought, format, new OfferedTools(request.Prompt.Tools));
    private readonly List<int> _tokenIds = [];
    private bool _stopped;

    /// <summary>The ids generated so far, without the end token.</summary>
    public IReadOnlyList<int> TokenIds => _tokenIds;

    /// <summary>How many of them are thoughts.</summary>
    public int ReasoningTokenCount { get; private set; }

    /// <summary>Whether the answer is over although the model might go on: a stop sequence came, or the only call allowed.</summary>
    public bool IsOver => _stopped || (request.SingleToolCall && _parser.CallCount > 0);

    /// <summary>What the model said, so far.</summary>
    public ChatTurn Turn => _parser.Turn;

    /// <summary>Takes the next token; returns what is decided.</summary>
    public IEnumerable<AIContent> Append(int tokenId)
    {
        _tokenIds.Add(tokenId);
        bool inThought = _parser.InThought;
        IReadOnlyList<AIContent> parts = _parser.Append(_stops.Append(_text.Append(tokenId), out _stopped));
        ReasoningTokenCount += inThought || _parser.InThought ? 1 : 0;
        return Shown(parts);
    }

    /// <summary>Ends the output; returns what was held back.</summary>
    public IEnumerable<AIContent> Finish()
    {
        if (IsOver)
        {
            return Shown(_parser.Finish());
        }

        string rest = _stops.Append(_text.Flush(), out _stopped);
        rest += _stopped ? "" : _stops.Flush();
        return Shown([.. _parser.Append(rest), .. _parser.Finish()]);
    }

    private IEnumerable<AIContent> Shown(IReadOnlyList<AIContent> parts) =>
        request.HideReasoning ? parts.Where(part => part is not TextReasoningContent) : parts;
}
