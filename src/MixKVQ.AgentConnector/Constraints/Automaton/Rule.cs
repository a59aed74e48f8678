namespace MixKVQ.AgentConnector.Constraints.Automaton;

/// <summary>
/// A compiled part of a grammar. Immutable once <see cref="RuleSet"/> has settled it. Every rule that can be entered can be
/// completed: there are no dead ends.
/// </summary>
internal abstract class Rule
{
    /// <summary>More than any real completion: the rule cannot be completed.</summary>
    public const int Never = 1 << 28;

    /// <summary>Containers within containers at most; readers of JSON commonly stop at 64.</summary>
    public const int DepthLimit = 60;

    /// <summary>The bytes (and added tokens) of the shortest text, or <see cref="Never"/>.</summary>
    public int Shortest { get; private set; } = Never;

    /// <summary>How many containers lie within each other in the text that <see cref="Shortest"/> counts.</summary>
    public int Height { get; private set; }

    public bool IsPossible => Shortest < Never;

    /// <summary>Whether a text of this rule fits below <paramref name="depth"/> containers.</summary>
    public bool Fits(int depth) => IsPossible && depth + Height <= DepthLimit;

    /// <summary>Adds the ways to begin this rule, each going on with <paramref name="rest"/>.</summary>
    public abstract void Enter(FrameStack? rest, Closure closure);

    /// <summary>Takes what is known of the parts so far; true when that changed this rule.</summary>
    public bool Settle()
    {
        (int shortest, int height) = Measure();
        if (shortest >= Never || shortest > Shortest || (shortest == Shortest && height == Height))
        {
            return false;
        }

        Shortest = shortest;
        Height = height;
        return true;
    }

    /// <summary>The shortest text's length and height, from those of the parts.</summary>
    protected abstract (int Shortest, int Height) Measure();
}
