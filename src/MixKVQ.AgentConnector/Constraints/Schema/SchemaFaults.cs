namespace MixKVQ.AgentConnector.Constraints.Schema;

/// <summary>What of a schema is not supported, gathered so that one message names all of it.</summary>
internal sealed class SchemaFaults
{
    private const int MaxListed = 40;

    private readonly List<string> _faults = [];
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public void Add(string pointer, string reason)
    {
        if (_known.Add(pointer) && _known.Count <= MaxListed)
        {
            _faults.Add($"{pointer}: {reason}");
        }
    }

    /// <exception cref="NotSupportedException">There are any.</exception>
    public void ThrowIfAny()
    {
        if (_faults.Count > 0)
        {
            string more = _known.Count > MaxListed ? $" And {_known.Count - MaxListed} more." : "";
            throw new NotSupportedException($"The JSON schema cannot be used for constrained decoding. {string.Join(" ", _faults)}{more}");
        }
    }
}
