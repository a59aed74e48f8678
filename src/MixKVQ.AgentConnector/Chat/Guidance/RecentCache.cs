namespace MixKVQ.AgentConnector.Chat.Guidance;

/// <summary>Keeps the values used last, by key. Thread-safe; a value may be made twice where two callers want it at once.</summary>
/// <param name="capacity">How many values are kept.</param>
internal sealed class RecentCache<T>(int capacity)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<(string Key, T Value)>> _byKey = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Key, T Value)> _latestFirst = new();

    /// <summary>The value of <paramref name="key"/>, made where it is not kept. What <paramref name="make"/> throws is not kept.</summary>
    public T GetOrAdd(string key, Func<T> make)
    {
        lock (_gate)
        {
            if (_byKey.TryGetValue(key, out LinkedListNode<(string Key, T Value)>? known))
            {
                _latestFirst.Remove(known);
                _latestFirst.AddFirst(known);
                return known.Value.Value;
            }
        }

        T value = make();
        lock (_gate)
        {
            if (_byKey.TryAdd(key, new((key, value))))
            {
                _latestFirst.AddFirst(_byKey[key]);
            }

            if (_byKey.Count > capacity)
            {
                _byKey.Remove(_latestFirst.Last!.Value.Key);
                _latestFirst.RemoveLast();
            }
        }

        return value;
    }
}
