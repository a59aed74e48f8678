namespace MixKVQ.AgentConnector.Tokens.PreTokenization;

/// <summary>The split patterns that tokenizers have built in rather than in a file.</summary>
internal static class KnownPatterns
{
    /// <summary>GPT-2's, which ByteLevel applies with use_regex.</summary>
    public const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Of Qwen2Tokenizer.</summary>
    public const string Qwen2 = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Numeric characters, at which Digits splits.</summary>
    public const string Number = @"\p{N}";
}
