using System.Text;
using MixKVQ.AgentConnector.Tokens.Files;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>
/// A model's tokenizer: byte-level BPE as Hugging Face tokenizers does it. Lone surrogates in a text count as U+FFFD.
/// Immutable and thread-safe.
/// </summary>
internal sealed class ModelTokenizer
{
    private readonly TokenizerDefinition _definition;
    private readonly Dictionary<int, AddedToken> _addedById;
    private readonly Dictionary<string, AddedToken> _addedByText;
    private readonly AddedTokenMatcher _allAsWritten;
    private readonly AddedTokenMatcher _asWritten;
    private readonly AddedTokenMatcher _inNormalized;
    private readonly BytePairEncoder _encoder;
    private readonly TokenBytes _tokenBytes;

    /// <param name="definition">With all added tokens, none in conflict with another or with the vocabulary.</param>
    /// <param name="bosToken">One of the added tokens, or null.</param>
    /// <param name="eosToken">One of the added tokens, or null.</param>
    /// <exception cref="InvalidDataException">The vocabulary or the merges cannot encode text.</exception>
    public ModelTokenizer(TokenizerDefinition definition, string? bosToken, string? eosToken)
    {
        _definition = definition;
        _addedById = definition.AddedTokens.ToDictionary(token => token.Id);
        _addedByText = definition.AddedTokens.ToDictionary(token => token.Content);
        _allAsWritten = new AddedTokenMatcher([.. definition.AddedTokens.Select(token => (token.Content, token))]);
        _asWritten = new AddedTokenMatcher([.. definition.AddedTokens.Where(token => !token.IsNormalized).Select(token => (token.Content, token))]);
        _inNormalized = new AddedTokenMatcher([.. definition.AddedTokens.Where(token => token.IsNormalized).Select(token => (Normalize(token.Content), token))]);
        _encoder = new BytePairEncoder(definition, _addedById.Keys.ToHashSet());
        _tokenBytes = new TokenBytes(definition.Vocabulary, definition.AddedTokens);
        ControlTextGuard = new ControlTextGuard(definition.AddedTokens);
        BosToken = bosToken;
        EosToken = eosToken;
    }

    /// <summary>The highest id that has a token, plus one. A model's own vocabulary may be padded beyond it.</summary>
    public int VocabularySize => _tokenBytes.VocabularySize;

    public string? BosToken { get; }

    public string? EosToken { get; }

    public int? BosTokenId => BosToken is null ? null : FindAddedToken(BosToken);

    public int? EosTokenId => EosToken is null ? null : FindAddedToken(EosToken);

    public IReadOnlyList<AddedToken> AddedTokens => _definition.AddedTokens;

    /// <summary>Guards untrusted text against this tokenizer's added tokens.</summary>
    public ControlTextGuard ControlTextGuard { get; }

    /// <summary>Reads tokenizer.json, else vocab.json and merges.txt, and tokenizer_config.json where there is one.</summary>
    /// <exception cref="InvalidDataException">A file is missing, malformed or asks for what is not supported; it names file and field.</exception>
    public static ModelTokenizer Load(string folder) => TokenizerFolder.Load(folder);

    public bool IsAdded(int id) => _addedById.ContainsKey(id);

    public bool IsSpecial(int id) => _addedById.TryGetValue(id, out AddedToken? token) && token.IsSpecial;

    /// <summary>The id of the added token with exactly this text.</summary>
    public int? FindAddedToken(string text) => _addedByText.TryGetValue(text, out AddedToken? token) ? token.Id : null;

    /// <summary>The bytes that an id stands for: UTF-8, or part of a character's. None for ids without a token.</summary>
    public ReadOnlySpan<byte> BytesOf(int id) => _tokenBytes[id];

    /// <summary>Encodes ordinary text: an added token's text in it is text like any other, and no added token's id comes out.</summary>
    public int[] EncodeText(string text)
    {
        var ids = new List<int>();
        AppendNormalized(Normalize(WellFormedText.Of(text)).AsMemory(), ids);
        return [.. ids];
    }

    /// <summary>Encodes trusted text as Hugging Face tokenizers does: added tokens recognized, the post-processor's tokens added.</summary>
    public int[] Encode(string text)
    {
        text = WellFormedText.Of(text);
        List<int> ids = [.. _definition.Template.Prefix];
        var pieces = new List<TextPiece>();
        var normalizedPieces = new List<TextPiece>();
        _asWritten.Split(text, pieces);
        foreach (TextPiece piece in pieces)
        {
            if (piece.Token is not null)
            {
                ids.Add(piece.Token.Id);
                continue;
            }

            string normalized = Normalize(text.Substring(piece.Start, piece.Length));
            normalizedPieces.Clear();
            _inNormalized.Split(normalized, normalizedPieces);
            foreach (TextPiece inner in normalizedPieces)
            {
                if (inner.Token is not null)
                {
                    ids.Add(inner.Token.Id);
                }
                else
                {
                    AppendNormalized(normalized.AsMemory(inner.Start, inner.Length), ids);
                }
            }
        }

        ids.AddRange(_definition.Template.Suffix);
        return [.. ids];
    }

    /// <summary>
    /// Encodes what a chat template rendered: added tokens are recognized where they stand as written and unguarded,
    /// guarded text is ordinary text, and nothing is added in front. The segments' texts together are the unguarded prompt.
    /// </summary>
    public PromptSegment[] EncodePrompt(string prompt)
    {
        var pieces = new List<TextPiece>();
        var segments = new List<PromptSegment>();
        _allAsWritten.Split(prompt, pieces);
        foreach (TextPiece piece in pieces)
        {
            string text = ControlTextGuard.Unguard(prompt.Substring(piece.Start, piece.Length));
            if (piece.Token is not null)
            {
                segments.Add(new PromptSegment(text, [piece.Token.Id], IsAdded: true));
            }
            else if (text.Length > 0)
            {
                segments.Add(new PromptSegment(text, EncodeText(text), IsAdded: false));
            }
        }

        return [.. segments];
    }

    /// <summary>The text of the ids, added tokens included. Bytes that are no UTF-8 become U+FFFD; ids without a token give no text.</summary>
    public string Decode(IReadOnlyList<int> ids)
    {
        TokenTextStream stream = OpenTextStream();
        var text = new StringBuilder();
        foreach (int id in ids)
        {
            text.Append(stream.Append(id));
        }

        return text.Append(stream.Flush()).ToString();
    }

    public TokenTextStream OpenTextStream() => new(_tokenBytes);

    private string Normalize(string text) => _definition.Normalizer?.Normalize(text) ?? text;

    private void AppendNormalized(ReadOnlyMemory<char> text, List<int> ids)
    {
        var words = new List<ReadOnlyMemory<char>>();
        _definition.PreTokenizer.Split(text, words);
        foreach (ReadOnlyMemory<char> word in words)
        {
            _encoder.Encode(word.Span, ids);
        }
    }
}
