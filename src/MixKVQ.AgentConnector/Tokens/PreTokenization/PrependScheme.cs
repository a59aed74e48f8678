namespace MixKVQ.AgentConnector.Tokens.PreTokenization;

/// <summary>Before which words <see cref="MetaspacePreTokenizer"/> puts its character. The names are those of tokenizer.json, capitalized.</summary>
internal enum PrependScheme
{
    /// <summary>Before every one.</summary>
    Always,

    /// <summary>Before that with which the whole text begins.</summary>
    First,

    /// <summary>Before none.</summary>
    Never,
}
