namespace MixKVQ.AgentConnector.Tokens.PreTokenization;

/// <summary>What becomes of the matches of a split pattern; the names are those of tokenizer.json.</summary>
internal enum SplitBehavior
{
    /// <summary>Each match is a word of its own.</summary>
    Isolated,

    /// <summary>Matches are dropped.</summary>
    Removed,

    /// <summary>A run of matches is one word.</summary>
    Contiguous,

    /// <summary>A match ends the word before it.</summary>
    MergedWithPrevious,

    /// <summary>A match begins the word after it.</summary>
    MergedWithNext,
}
