namespace MixKVQ.AgentConnector.Tokens.Templating;

/// <summary>
/// What one template may use. Templates come with model folders from anywhere: together these bounds hold any of them
/// to about a second and 100 MB. Real templates stay a hundred times below.
/// </summary>
internal static class TemplateLimits
{
    /// <summary>The longest template source. Real ones have 1,000 to 30,000 characters.</summary>
    public const int MaxSourceChars = 1 << 20;

    /// <summary>The most tokens, so that a source of nothing but operators makes no large tree. Real ones have a few thousand.</summary>
    public const int MaxTokenCount = 200_000;

    /// <summary>The longest name, so that looking up a variable is constant work.</summary>
    public const int MaxNameChars = 200;

    /// <summary>How deep blocks and expressions may stand in one another. A level costs some 2 KB of stack in the parser.</summary>
    public const int MaxParseDepth = 200;

    /// <summary>How deep evaluation may go; a parsed level takes up to four, a macro's call about six. A level costs some 500 bytes of stack.</summary>
    public const int MaxEvaluationDepth = 1000;

    /// <summary>How deep lists and mappings may stand in one another where they are read, printed or compared.</summary>
    public const int MaxValueDepth = 200;

    /// <summary>The work of one rendering: nodes evaluated, items visited, and long strings read at <see cref="CharsPerStep"/>.</summary>
    public const long MaxSteps = 10_000_000;

    /// <summary>The same for a dialogue of a few words, of which some twenty are rendered at load. Real templates take a few thousand.</summary>
    public const long MaxProbeSteps = 100_000;

    /// <summary>How many characters of a string count as one step where an operation reads it.</summary>
    public const int CharsPerStep = 64;

    /// <summary>Memory for all strings, lists and mappings that one rendering makes, whether or not it keeps them.</summary>
    public const long MaxValueBytes = 64L << 20;

    /// <summary>The longest output: 32 MiB of UTF-16, some four million tokens.</summary>
    public const int MaxOutputChars = 16 << 20;

    /// <summary>Steps between two looks at the cancellation token.</summary>
    public const long CancellationInterval = 4096;
}
