using System.Collections.Concurrent;
using MixKVQ.AgentConnector.Constraints.Automaton;
using MixKVQ.AgentConnector.Constraints.Masks;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Constraints;

/// <summary>
/// A tokenizer's ordinary tokens by their bytes, and what constraints of all grammars share. Added tokens and ids without bytes
/// are not among them. One per tokenizer; immutable from outside and thread-safe.
/// </summary>
internal sealed class TokenVocabulary
{
    /// <summary>Longer tokens are never written: they would make walks deep, and no model needs them.</summary>
    private const int MaxTokenBytes = 512;

    private readonly ReadOnlyMemory<byte>[] _bytes;
    private readonly ConcurrentDictionary<(bool HasEscapes, int Lexical), Lazy<StringTokens>> _free = new();

    public TokenVocabulary(ModelTokenizer tokenizer)
    {
        Size = tokenizer.VocabularySize;
        var tokens = new List<int>(Size);
        _bytes = new ReadOnlyMemory<byte>[Size];
        for (int id = 0; id < Size; id++)
        {
            ReadOnlySpan<byte> bytes = tokenizer.BytesOf(id);
            if (!tokenizer.IsAdded(id) && bytes.Length is > 0 and <= MaxTokenBytes)
            {
                _bytes[id] = bytes.ToArray();
                tokens.Add(id);
            }
        }

        Trie = new TokenTrie([.. tokens], id => _bytes[id]);
        Suffixes = FindSuffixes(tokens);

        // The two places where almost every token may come, which take the longest to find out.
        FreeTokens(hasEscapes: true, JsonLexer.Plain);
        FreeTokens(hasEscapes: false, JsonLexer.Plain);
    }

    /// <summary>The tokenizer's ids are below this.</summary>
    public int Size { get; }

    /// <summary>The 64-bit words of a set of ids.</summary>
    public int MaskWords => (Size + 63) / 64;

    /// <summary>The ordinary tokens.</summary>
    public TokenTrie Trie { get; }

    /// <summary>What tokens hold behind a quote. The ids in it mean nothing.</summary>
    public TokenTrie Suffixes { get; }

    /// <summary>The bytes of an ordinary token; none for other ids.</summary>
    public ReadOnlyMemory<byte> BytesOf(int id) => (uint)id < (uint)_bytes.Length ? _bytes[id] : default;

    /// <summary>The tokens at a place of a string without a pattern, with their characters counted.</summary>
    public StringTokens FreeTokens(bool hasEscapes, int lexical) =>
        _free.GetOrAdd((hasEscapes, lexical), key => new Lazy<StringTokens>(() =>
            StringTokens.Find(this, new FreeStringRule(0, int.MaxValue, key.HasEscapes), new StringPosition(key.Lexical, 0)))).Value;

    private TokenTrie FindSuffixes(List<int> tokens)
    {
        var suffixes = new HashSet<string>(StringComparer.Ordinal);
        foreach (int token in tokens)
        {
            ReadOnlySpan<byte> rest = _bytes[token].Span;
            for (int quote = rest.IndexOf((byte)'"'); quote >= 0; quote = rest.IndexOf((byte)'"'))
            {
                rest = rest[(quote + 1)..];
                suffixes.Add(System.Text.Encoding.Latin1.GetString(rest));
            }
        }

        byte[][] texts = [.. suffixes.Select(System.Text.Encoding.Latin1.GetBytes)];
        return new TokenTrie([.. Enumerable.Range(0, texts.Length)], index => texts[index]);
    }
}
