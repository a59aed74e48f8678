namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>Collects the rules of one grammar while it is compiled and then settles their shortest texts.</summary>
internal sealed class RuleSet
{
    /// <summary>How many rules one grammar may have.</summary>
    public const int MaxRules = 50_000;

    private readonly List<Rule> _rules = [];

    public T Add<T>(T rule)
        where T : Rule
    {
        if (_rules.Count >= MaxRules)
        {
            throw new NotSupportedException($"The grammar is too large: it has more than {MaxRules} parts. Take a smaller schema.");
        }

        _rules.Add(rule);
        return rule;
    }

    /// <summary>Finds every rule's shortest text; rules that need themselves without end stay impossible.</summary>
    public void Settle()
    {
        // Parts are mostly added after what holds them or before: going both ways settles either order in a few rounds.
        bool changed = true;
        while (changed)
        {
            changed = false;
            for (int i = _rules.Count - 1; i >= 0; i--)
            {
                changed |= _rules[i].Settle();
            }

            for (int i = 0; i < _rules.Count; i++)
            {
                changed |= _rules[i].Settle();
            }
        }
    }
}
