using System.Collections.Concurrent;

namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>
/// Makes equal configurations one object. Forgets all of them when they have grown too many; who holds one goes on with it.
/// Thread-safe.
/// </summary>
internal sealed class ConfigurationStore
{
    /// <summary>Configurations, and mask entries in units of <see cref="EntriesPerUnit"/>, that are remembered: some 30 MB at most.</summary>
    private const int MaxWeight = 30_000;

    private const int EntriesPerUnit = 250;

    private ConcurrentDictionary<Configuration, Configuration> _known = new();
    private int _weight;

    public Configuration Intern(Closure closure)
    {
        var configuration = new Configuration(closure);
        if (configuration.IsDead)
        {
            return Configuration.Dead;
        }

        Configuration kept = _known.GetOrAdd(configuration, configuration);
        if (ReferenceEquals(kept, configuration))
        {
            Charge(1);
        }

        return kept;
    }

    /// <summary>Counts the token ids that a mask holds.</summary>
    public void ChargeEntries(int entries) => Charge(entries / EntriesPerUnit);

    private void Charge(int weight)
    {
        if (Interlocked.Add(ref _weight, weight) > MaxWeight)
        {
            Volatile.Write(ref _weight, 0);
            Volatile.Write(ref _known, new ConcurrentDictionary<Configuration, Configuration>());
        }
    }
}
