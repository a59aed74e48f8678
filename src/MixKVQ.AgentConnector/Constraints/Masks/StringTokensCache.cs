using System.Collections.Concurrent;
using MixKVQ.AgentConnector.Constraints.Automaton;

namespace MixKVQ.AgentConnector.Constraints.Masks;

/// <summary>The tokens at the places of one grammar's pattern strings, as far as they were asked for. Bounded; thread-safe.</summary>
internal sealed class StringTokensCache
{
    /// <summary>In token ids: 16 MB.</summary>
    private const int MaxWeight = 4_000_000;

    private ConcurrentDictionary<(StringRule Rule, StringPosition Position), StringTokens> _known = new();
    private int _weight;

    public StringTokens Find(TokenVocabulary vocabulary, StringRule rule, StringPosition position)
    {
        if (_known.TryGetValue((rule, position), out StringTokens? known))
        {
            return known;
        }

        StringTokens found = StringTokens.Find(vocabulary, rule, position);
        if (Interlocked.Add(ref _weight, found.Weight) > MaxWeight)
        {
            Volatile.Write(ref _weight, found.Weight);
            Volatile.Write(ref _known, new());
        }

        _known[(rule, position)] = found;
        return found;
    }
}
