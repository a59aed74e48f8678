using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>Collects the states of a deterministic automaton as they are found, within the limits.</summary>
internal sealed class TransitionTableBuilder(Alphabet alphabet)
{
    private readonly List<int> _targets = [];

    private readonly List<bool> _accepting = [];

    public int StateCount => _accepting.Count;

    /// <summary>Adds a state without ways on; the first is where the automaton begins.</summary>
    public int Add(bool accepting)
    {
        if (StateCount == PatternLimits.States)
        {
            throw PatternLimits.Exceeded("states as an automaton", PatternLimits.States);
        }

        if (_targets.Count + alphabet.ClassCount > PatternLimits.Transitions)
        {
            throw PatternLimits.Exceeded("transitions as an automaton", PatternLimits.Transitions);
        }

        CollectionsMarshal.SetCount(_targets, _targets.Count + alphabet.ClassCount);
        CollectionsMarshal.AsSpan(_targets)[^alphabet.ClassCount..].Fill(-1);
        _accepting.Add(accepting);
        return StateCount - 1;
    }

    public void Lead(int from, int kind, int to) => _targets[(from * alphabet.ClassCount) + kind] = to;

    public TransitionTable Build() => new(alphabet, [.. _targets], [.. _accepting]);
}
