namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>Bounds on what an untrusted pattern may cost. They keep a compilation, refused or not, below a second and some tens of megabytes.</summary>
internal static class PatternLimits
{
    /// <summary>UTF-16 units of a pattern.</summary>
    public const int Length = 8192;

    /// <summary>Groups inside groups.</summary>
    public const int Nesting = 100;

    /// <summary>States of the nondeterministic automaton, that is the pattern's length once its counted repetitions are written out.</summary>
    public const int Positions = 50_000;

    /// <summary>States of the deterministic automaton.</summary>
    public const int States = 10_000;

    /// <summary>States times classes of characters.</summary>
    public const int Transitions = 1_000_000;

    /// <summary>Elementary steps of making an automaton deterministic.</summary>
    public const int Steps = 8_000_000;

    public static NotSupportedException Exceeded(string what, int limit) =>
        new($"The pattern is too large: it has more than {limit:N0} {what}. Shorten it or lower its repetition counts.");
}
