namespace MixKVQ.AgentConnector.Tokens;

/// <summary>Where a stretch of ordinary text stands, which decides whether a SentencePiece-style tokenizer puts a space before it.</summary>
internal enum TextPlace
{
    /// <summary>Nothing is before it.</summary>
    Start,

    /// <summary>An added token is before it.</summary>
    AfterToken,

    /// <summary>Ordinary text that is encoded already is before it.</summary>
    WithinText,
}
