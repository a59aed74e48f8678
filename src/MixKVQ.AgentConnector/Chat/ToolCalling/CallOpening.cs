namespace MixKVQ.AgentConnector.Chat.ToolCalling;

/// <summary>The markup that a text begins with.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Length">How many characters it has.</param>
/// <param name="Body">Collects what follows the markup of a call.</param>
internal readonly record struct CallOpening(CallOpeningKind Kind, int Length = 0, CallBody? Body = null)
{
    /// <summary>White space that markup may have inside. Bounded, so that what is held back is short.</summary>
    public const int MaxSpace = 16;

    /// <summary>No markup.</summary>
    public static CallOpening None { get; }

    /// <summary>More text decides.</summary>
    public static CallOpening Undecided { get; } = new(CallOpeningKind.Undecided);

    /// <summary>Markup that goes.</summary>
    public static CallOpening Dropped(int length) => new(CallOpeningKind.Dropped, length);

    /// <summary>A call whose markup is <paramref name="length"/> long.</summary>
    public static CallOpening Call(int length, CallBody body) => new(CallOpeningKind.Call, length, body);

    /// <summary>Whether a text begins with a tag: yes, no, or null where the text ends inside it.</summary>
    public static bool? Begins(ReadOnlySpan<char> text, string tag) =>
        text.StartsWith(tag) ? true : text.Length < tag.Length && tag.AsSpan().StartsWith(text) ? null : false;

    /// <summary>The end of the white space, and of any of <paramref name="others"/>, that begins at <paramref name="start"/>; at most <see cref="MaxSpace"/> further.</summary>
    public static int SkipSpace(ReadOnlySpan<char> text, int start, string others = "")
    {
        int end = start;
        while (end < text.Length && end - start < MaxSpace && (char.IsWhiteSpace(text[end]) || others.Contains(text[end], StringComparison.Ordinal)))
        {
            end++;
        }

        return end;
    }
}
