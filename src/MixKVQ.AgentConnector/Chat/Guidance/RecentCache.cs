namespace MixKVQ.AgentConnector.Chat.Guidance;

/// <summary>Keeps the values that were used last, by key. Thread-safe.</summary>
/// <param name="capacity">How many are kept.</param>
internal sealed class RecentCache<T>(int capacity)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<(string Key, Lazy<T> Value)>> _byKey = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Key, Lazy<T> Value)> _byUse = new();

    /// <summary>The value of a key; made by the first who asks, while others wait. What fails is not kept.</summary>
    public T GetOrAdd(string key, Func<T> make)
    {
        Lazy<T> value = Find(key, make);
        try
        {
            return value.Value;
        }
        catch
        {
            Forget(key, value);
            throw;
        }
    }

    private Lazy<T> Find(string key, Func<T> make)
    {
        lock (_lock)
        {
            if (_byKey.TryGetValue(key, out LinkedListNode<(string Key, Lazy<T> Value)>? known))
            {
                _byUse.Remove(known);
                _byUse.AddFirst(known);
                return known.Value.Value;
            }

            var value = new Lazy<T>(make);
            _byKey.Add(key, _byUse.AddFirst((key, value)));
            if (_byUse.Count > capacity)
            {
                _byKey.Remove(_byUse.Last!.Value.Key);
                _byUse.RemoveLast();
            }

            return value;
        }
    }

    private void Forget(string key, Lazy<T> value)
    {
        lock (_lock)
        {
            if (_byKey.TryGetValue(key, out LinkedListNode<(string Key, Lazy<T> Value)>? known) && ReferenceEquals(known.Value.Value, value))
            {
                _byKey.Remove(key);
                _byUse.Remove(known);
            }
        }
    }
}
