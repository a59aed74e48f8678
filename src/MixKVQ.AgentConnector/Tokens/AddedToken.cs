namespace MixKVQ.AgentConnector.Tokens;

/// <summary>A token that stands beside the merges and is matched in a text as a whole: a control token or a marker.</summary>
internal sealed record AddedToken(int Id, string Content)
{
    /// <summary>Whether readers of the text should not see it (bos, eos and the like).</summary>
    public bool IsSpecial { get; init; }

    /// <summary>Whether it matches only where no word character touches it.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Whether a match takes the white space before it.</summary>
    public bool LeftStrip { get; init; }

    /// <summary>Whether a match takes the white space after it.</summary>
    public bool RightStrip { get; init; }

    /// <summary>Whether it is matched in the normalized text rather than in the text as written.</summary>
    public bool IsNormalized { get; init; }
}
