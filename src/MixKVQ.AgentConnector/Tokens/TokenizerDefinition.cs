using MixKVQ.AgentConnector.Tokens.Normalization;
using MixKVQ.AgentConnector.Tokens.PreTokenization;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>What a model's files say of its tokenizer, read and checked but not yet put to work.</summary>
internal sealed record TokenizerDefinition
{
    /// <summary>The file the definition comes from, for messages.</summary>
    public required string Source { get; init; }

    /// <summary>Token text (in the byte alphabet) to id. No two tokens share an id.</summary>
    public required Dictionary<string, int> Vocabulary { get; init; }

    /// <summary>Merges as "left right", in order of rank.</summary>
    public required IReadOnlyList<string> Merges { get; init; }

    /// <summary>Whether a word that is a token as a whole is encoded so, whatever the merges give (Llama 3).</summary>
    public bool IgnoreMerges { get; init; }

    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    /// <summary>Null where the text is taken as written.</summary>
    public ITextNormalizer? Normalizer { get; init; }

    public required IPreTokenizer PreTokenizer { get; init; }

    /// <summary>Tokens the post-processor puts around a text.</summary>
    public SequenceTemplate Template { get; init; } = SequenceTemplate.Empty;
}
