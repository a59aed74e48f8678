using MixKVQ.AgentConnector.Tokens.Normalization;
using MixKVQ.AgentConnector.Tokens.PreTokenization;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>What a model's files say of its tokenizer, read and checked but not yet put to work.</summary>
internal sealed record TokenizerDefinition
{
    /// <summary>The file the definition comes from, for messages.</summary>
    public required string Source { get; init; }

    /// <summary>Token text, spelt as <see cref="Spelling"/> says, to id. No two tokens share an id.</summary>
    public required Dictionary<string, int> Vocabulary { get; init; }

    /// <summary>Merges as "left right", in order of rank.</summary>
    public required IReadOnlyList<string> Merges { get; init; }

    /// <summary>Whether a word that is a token as a whole is encoded so, whatever the merges give (Llama 3).</summary>
    public bool IgnoreMerges { get; init; }

    /// <summary>How tokens stand for bytes.</summary>
    public TokenSpelling Spelling { get; init; } = TokenSpelling.ByteLevel;

    /// <summary>Whether a character without a token is spelt in byte tokens; byte-level BPE needs none.</summary>
    public bool HasByteFallback { get; init; }

    /// <summary>The token for a character that cannot be spelt otherwise, or null; byte-level BPE knows all.</summary>
    public string? UnknownToken { get; init; }

    /// <summary>Whether unknown characters in a row are one unknown token.</summary>
    public bool FusesUnknown { get; init; }

    public IReadOnlyList<AddedToken> AddedTokens { get; init; } = [];

    /// <summary>Null where the text is taken as written.</summary>
    public ITextNormalizer? Normalizer { get; init; }

    public required IPreTokenizer PreTokenizer { get; init; }

    /// <summary>Tokens the post-processor puts around a text.</summary>
    public SequenceTemplate Template { get; init; } = SequenceTemplate.Empty;
}
