namespace MixKVQ.AgentConnector.Constraints;

/// <summary>Keeps the constraints that were used last, by a key such as the schema's text. Thread-safe.</summary>
/// <param name="capacity">How many are kept.</param>
internal sealed class ConstraintCache(int capacity)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<(string Key, Lazy<TokenConstraint> Constraint)>> _byKey = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Key, Lazy<TokenConstraint> Constraint)> _byUse = new();

    /// <summary>The constraint of a key; compiled by the first who asks, while others wait. A failed one is not kept.</summary>
    public TokenConstraint GetOrAdd(string key, Func<TokenConstraint> compile)
    {
        Lazy<TokenConstraint> constraint = Find(key, compile);
        try
        {
            return constraint.Value;
        }
        catch
        {
            Forget(key, constraint);
            throw;
        }
    }

    private Lazy<TokenConstraint> Find(string key, Func<TokenConstraint> compile)
    {
        lock (_lock)
        {
            if (_byKey.TryGetValue(key, out LinkedListNode<(string Key, Lazy<TokenConstraint> Constraint)>? known))
            {
                _byUse.Remove(known);
                _byUse.AddFirst(known);
                return known.Value.Constraint;
            }

            var constraint = new Lazy<TokenConstraint>(compile);
            _byKey.Add(key, _byUse.AddFirst((key, constraint)));
            if (_byUse.Count > capacity)
            {
                _byKey.Remove(_byUse.Last!.Value.Key);
                _byUse.RemoveLast();
            }

            return constraint;
        }
    }

    private void Forget(string key, Lazy<TokenConstraint> constraint)
    {
        lock (_lock)
        {
            if (_byKey.TryGetValue(key, out LinkedListNode<(string Key, Lazy<TokenConstraint> Constraint)>? known) && ReferenceEquals(known.Value.Constraint, constraint))
            {
                _byKey.Remove(key);
                _byUse.Remove(known);
            }
        }
    }
}
