using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// A turn about to run: its prompt, and a sequence of its own that holds the prompt's beginning. Nothing is retained of
/// it unless <see cref="ToState"/> is called. One caller.
/// </summary>
internal sealed class TurnPlan : IDisposable
{
    private IConversationSequence? _sequence;

    /// <summary>Takes over <paramref name="sequence"/>.</summary>
    public TurnPlan(IConversationSequence sequence, TokenLog prompt, Dialogue dialogue, PromptSettings settings, DateTimeOffset startedAt, bool startsInThought)
    {
        _sequence = sequence;
        CachedTokens = sequence.TokenCount;
        Prompt = prompt;
        Dialogue = dialogue;
        Settings = settings;
        StartedAt = startedAt;
        StartsInThought = startsInThought;
    }

    /// <summary>The sequence of this turn; the generation grows it.</summary>
    public IConversationSequence Sequence => _sequence ?? throw new ObjectDisposedException(nameof(TurnPlan));

    /// <summary>How many tokens of the prompt the sequence held from the start.</summary>
    public int CachedTokens { get; }

    /// <summary>The whole prompt.</summary>
    public TokenLog Prompt { get; }

    /// <summary>The dialogue up to the model's turn.</summary>
    public Dialogue Dialogue { get; }

    /// <summary>The settings of the prompt.</summary>
    public PromptSettings Settings { get; }

    /// <summary>When the dialogue began: the time that its prompt names.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>Whether the prompt ends inside a thought.</summary>
    public bool StartsInThought { get; }

    /// <summary>The conversation that this turn takes further, if any, and how it stood: the turn's state replaces that one.</summary>
    public (Conversation Conversation, ConversationState State)? Continues { get; set; }

    /// <summary>The dialogue after the model's <paramref name="answer"/>; takes the sequence out of this plan.</summary>
    /// <param name="answer">What the model said.</param>
    /// <param name="generated">The ids it generated, without the end token.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    public ConversationState ToState(ChatTurn answer, IReadOnlyList<int> generated, ModelTokenizer tokenizer)
    {
        TokenLog tokens = Prompt.Clone();
        tokens.AppendGenerated(generated, tokenizer);
        var state = new ConversationState(Sequence, tokens, Dialogue.With([answer]), Settings, StartedAt);
        _sequence = null;
        return state;
    }

    /// <summary>Releases the sequence where it was not taken out.</summary>
    public void Dispose()
    {
        _sequence?.Dispose();
        _sequence = null;
    }
}
