using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// A turn about to run: its prompt, and the retained state whose cache holds the prompt's beginning. Once opened it has a sequence of its own.
/// Nothing is retained of it unless <see cref="ToState"/> or <see cref="ToPromptState"/> is called. One caller.
/// </summary>
internal sealed class TurnPlan : IDisposable
{
    private IConversationSequence? _sequence;
    private bool _disposed;

    /// <param name="basis">The state that the turn's sequence is forked from; null where it begins with none.</param>
    /// <param name="cachedTokens">How many tokens of the prompt that state's cache serves for.</param>
    /// <param name="prompt">The whole prompt.</param>
    /// <param name="dialogue">The dialogue up to the model's turn.</param>
    /// <param name="settings">The settings of the prompt.</param>
    /// <param name="startedAt">When the dialogue began.</param>
    /// <param name="startsInThought">Whether the prompt ends inside a thought.</param>
    public TurnPlan(ConversationState? basis, int cachedTokens, TokenLog prompt, Dialogue dialogue, PromptSettings settings, DateTimeOffset startedAt, bool startsInThought)
    {
        Basis = cachedTokens > 0 ? basis : null;
        Basis?.Retain();
        CachedTokens = cachedTokens;
        Prompt = prompt;
        Dialogue = dialogue;
        Settings = settings;
        StartedAt = startedAt;
        StartsInThought = startsInThought;
    }

    /// <summary>The state that the turn's sequence is forked from, if any; held until this plan is disposed.</summary>
    public ConversationState? Basis { get; private set; }

    /// <summary>The sequence of this turn, once opened; the generation grows it.</summary>
    public IConversationSequence Sequence => _sequence ?? throw new InvalidOperationException("The turn's sequence is not open.");

    /// <summary>How many tokens of the prompt the sequence holds from the start.</summary>
    public int CachedTokens { get; private set; }

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

    /// <summary>Where the model's earlier answers end in the prompt, as far as that is known.</summary>
    public IReadOnlyList<AnswerEnd> AnswerEnds { get; init; } = [];

    /// <summary>The conversation that this turn takes further, if any, and how it stood: the turn's state replaces that one.</summary>
    public (Conversation Conversation, ConversationState State)? Continues { get; set; }

    /// <summary>Has the whole prompt read anew. Not once the sequence is open.</summary>
    public void ForgetBasis()
    {
        Basis?.Release();
        Basis = null;
        CachedTokens = 0;
    }

    /// <summary>Makes the turn's sequence, anew where that failed before. The basis is in memory.</summary>
    public void Open(ISequenceFactory sequences)
    {
        _sequence?.Dispose();
        _sequence = null;
        IConversationSequence sequence = _sequence = Basis?.Fork() ?? sequences.Create();
        if (CachedTokens < sequence.TokenCount)
        {
            sequence.TruncateToPageBorder(CachedTokens);
        }
    }

    /// <summary>The dialogue after the model's <paramref name="answer"/>; takes the sequence out of this plan.</summary>
    /// <param name="answer">What the model said.</param>
    /// <param name="generated">The ids it generated, without the end token.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    public ConversationState ToState(ChatTurn answer, IReadOnlyList<int> generated, ModelTokenizer tokenizer)
    {
        TokenLog tokens = Prompt.Clone();
        tokens.AppendGenerated(generated, tokenizer);
        var state = new ConversationState(Sequence, tokens, Dialogue.With([answer]), Settings, StartedAt)
        {
            AnswerEnds = [.. AnswerEnds, new AnswerEnd(Dialogue.Turns.Count + 1, tokens.Count)],
        };
        _sequence = null;
        return state;
    }

    /// <summary>The dialogue as it is in the prompt, which the sequence holds a beginning of; takes the sequence out of this plan.</summary>
    public ConversationState ToPromptState()
    {
        var state = new ConversationState(Sequence, Prompt, Dialogue, Settings, StartedAt) { AnswerEnds = AnswerEnds };
        _sequence = null;
        return state;
    }

    /// <summary>Releases the basis, and the sequence where it was not taken out.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _sequence?.Dispose();
        _sequence = null;
        Basis?.Release();
    }
}
