using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Conversations;

/// <summary>
/// A dialogue as it stood after a turn, with what the model has read of it. What it says never changes: a turn works on a fork and makes a new state.
/// Its cache may leave memory and return. Shared by reference count; the cache goes with the last reference. Thread-safe.
/// </summary>
internal sealed class ConversationState
{
    private readonly Lock _gate = new();
    private IConversationSequence? _sequence;
    private readonly HashSet<string> _files = new(StringComparer.Ordinal);
    private int _references = 1;

    /// <summary>Takes over <paramref name="sequence"/>; the maker holds the first reference.</summary>
    public ConversationState(IConversationSequence sequence, TokenLog tokens, Dialogue dialogue, PromptSettings settings, DateTimeOffset startedAt)
        : this(sequence.TokenCount, sequence.Usage, tokens, dialogue, settings, startedAt)
    {
        _sequence = sequence;
        Parts = sequence.Parts;
    }

    /// <summary>A state whose cache is not in memory; the maker holds the first reference.</summary>
    public ConversationState(int cachedTokens, CacheUsage usage, TokenLog tokens, Dialogue dialogue, PromptSettings settings, DateTimeOffset startedAt)
    {
        CachedTokens = cachedTokens;
        Tokens = tokens;
        Dialogue = dialogue;
        Usage = usage;
        Settings = settings;
        StartedAt = startedAt;
    }

    /// <summary>How many of the tokens the cache holds, here or on disk; those after it were never fed to the model, or have to be again.</summary>
    public int CachedTokens { get; private set; }

    /// <summary>Whether the cache is in memory.</summary>
    public bool IsResident { get { lock (_gate) { return _sequence is not null; } } }

    /// <summary>The memory that the cache takes, piece by piece; empty where it is not in memory.</summary>
    public IReadOnlyList<CachePart> Parts { get; private set; } = [];

    /// <summary>Whether the cache may leave memory: not before it was written to disk, where it is going to be. Default true.</summary>
    public bool MayLeaveMemory { get; set; } = true;

    /// <summary>A conversation whose file has the cache; null where none has.</summary>
    public string? File { get { lock (_gate) { return _files.FirstOrDefault(); } } }

    /// <summary>Whether the file of a conversation has the cache.</summary>
    public bool HasFile(string id)
    {
        lock (_gate)
        {
            return _files.Contains(id);
        }
    }

    /// <summary>All token ids of the dialogue. Not to be changed.</summary>
    public TokenLog Tokens { get; }

    /// <summary>Where the model's answers end, first to last; not all may be known.</summary>
    public IReadOnlyList<AnswerEnd> AnswerEnds { get; init; } = [];

    /// <summary>The dialogue; its last turn is the model's.</summary>
    public Dialogue Dialogue { get; }

    /// <summary>The bytes of its cache, in memory.</summary>
    public CacheUsage Usage { get; }

    /// <summary>The settings of its prompt.</summary>
    public PromptSettings Settings { get; }

    /// <summary>When the dialogue began: the time that its prompt names.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>How much of the cache serves a prompt that shares its first <paramref name="sharedTokens"/> tokens with this dialogue.</summary>
    public int ReusableTokens(int sharedTokens) =>
        sharedTokens >= CachedTokens ? CachedTokens : CacheGeometry.PageBorder(sharedTokens);

    /// <summary>A fork of the sequence; the caller owns it.</summary>
    /// <exception cref="InvalidOperationException">The cache is not in memory.</exception>
    public IConversationSequence Fork()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_references == 0, this);
            return _sequence?.Fork() ?? throw new InvalidOperationException("The cache of this state is not in memory.");
        }
    }

    /// <summary>What the cache holds, to be written; of no tokens where it is not in memory. The caller disposes it.</summary>
    public CacheImage Export()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_references == 0, this);
            return _sequence?.Export() ?? new CacheImage(0, ReadOnlyMemory<byte>.Empty, ReadOnlyMemory<byte>.Empty, []);
        }
    }

    /// <summary>Takes pieces of the cache of <paramref name="other"/>, which begins with the same tokens, in the place of equal ones.</summary>
    public void ShareParts(ConversationState other, int tokens)
    {
        // Only the states of one store, whose lock the caller holds, are joined: two of these locks never cross.
        lock (_gate)
        {
            lock (other._gate)
            {
                if (_sequence is not null && other._sequence is not null)
                {
                    try
                    {
                        _sequence.ShareParts(other._sequence, tokens);
                    }
                    finally
                    {
                        Parts = _sequence.Parts;
                    }
                }
            }
        }
    }

    /// <summary>Takes the cache out of memory; where no file has it, it is lost, and all tokens have to be read again.</summary>
    public void LeaveMemory()
    {
        lock (_gate)
        {
            _sequence?.Dispose();
            _sequence = null;
            Parts = [];
            CachedTokens = _files.Count == 0 ? 0 : CachedTokens;
        }
    }

    /// <summary>Says that a file has the cache.</summary>
    /// <param name="id">The conversation that the file is of.</param>
    public void AddFile(string id)
    {
        lock (_gate)
        {
            _files.Add(id);
            MayLeaveMemory = true;
        }
    }

    /// <summary>Says that the file of a conversation does not have the cache any more, or does not come to have it.</summary>
    /// <param name="id">The conversation that the file is, or was to be, of.</param>
    public void ForgetFile(string id)
    {
        lock (_gate)
        {
            _files.Remove(id);
            MayLeaveMemory = true;
            CachedTokens = _files.Count == 0 && _sequence is null ? 0 : CachedTokens;
        }
    }

    /// <summary>Brings the cache back; takes <paramref name="sequence"/> over.</summary>
    public void Return(IConversationSequence sequence)
    {
        lock (_gate)
        {
            if (_references == 0 || _sequence is not null)
            {
                sequence.Dispose();
                return;
            }

            _sequence = sequence;
            Parts = sequence.Parts;
            CachedTokens = sequence.TokenCount;
        }
    }

    /// <summary>Adds a reference.</summary>
    public void Retain()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_references == 0, this);
            _references++;
        }
    }

    /// <summary>Gives one reference back.</summary>
    public void Release()
    {
        lock (_gate)
        {
            if (--_references == 0)
            {
                _sequence?.Dispose();
                _sequence = null;
                Parts = [];
            }
        }
    }
}
