using System.Text;
using MixKVQ.AgentConnector.Tokens.Files;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>
/// A model's tokenizer: byte-level BPE, or BPE with byte fallback, as Hugging Face tokenizers does it. Lone surrogates in a text count as U+FFFD.
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
    private readonly IWordEncoder _encoder;
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
        _inNormalized = new AddedTokenMatcher([.. definition.AddedTokens.Where(token => token.IsNormalized).Select(token => (Normalize(token.Content, TextPlace.Start), token))]);
        HashSet<int> addedIds = [.. _addedById.Keys];
        _encoder = definition.Spelling.IsByteLevel ? new BytePairEncoder(definition, addedIds) : new CharacterPairEncoder(definition, addedIds);
        _tokenBytes = new TokenBytes(definition.Vocabulary, definition.AddedTokens, definition.Spelling);
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

    /// <summary>
    /// Encodes ordinary text: an added token's text in it is text like any other, and no added token's id comes out but the
    /// unknown one's, where a model has no other token for a character.
    /// </summary>
    public int[] EncodeText(string text) => EncodeText(text, TextPlace.Start);

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

            TextPlace place = PlaceOf(piece);
            string normalized = Normalize(text.Substring(piece.Start, piece.Length), place);
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
                    AppendNormalized(normalized.AsMemory(inner.Start, inner.Length), inner.Start == 0 ? place : TextPlace.AfterToken, ids);
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
    /// <remarks>
    /// As written, too, are found the tokens flagged as normalized. Hugging Face tokenizers finds Llama 2's end of a turn, in files
    /// that flag it so, only after a space, and reads it as text where none is: a template never means that.
    /// </remarks>
    public PromptSegment[] EncodePrompt(string prompt) => EncodePrompt(prompt, continuesText: false);

    /// <inheritdoc cref="EncodePrompt(string)"/>
    /// <param name="prompt">What the template rendered.</param>
    /// <param name="continuesText">Whether ordinary text that is encoded already is right before it, so that no space is put there.</param>
    public PromptSegment[] EncodePrompt(string prompt, bool continuesText)
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
                TextPlace place = piece.Start == 0 && continuesText ? TextPlace.WithinText : PlaceOf(piece);
                segments.Add(new PromptSegment(text, EncodeText(text, place), IsAdded: false));
            }
        }

        return [.. segments];
    }

    /// <summary>The text of the ids, added tokens included. Bytes that are no UTF-8 become U+FFFD; ids without a token give no text.</summary>
    public string Decode(IReadOnlyList<int> ids) => Decode(ids, continuesText: false);

    /// <inheritdoc cref="Decode(IReadOnlyList{int})"/>
    /// <param name="ids">Token ids.</param>
    /// <param name="continuesText">Whether ordinary text is right before it, so that a space at the start is part of the text.</param>
    public string Decode(IReadOnlyList<int> ids, bool continuesText)
    {
        TokenTextStream stream = OpenTextStream(continuesText);
        var text = new StringBuilder();
        foreach (int id in ids)
        {
            text.Append(stream.Append(id));
        }

        return text.Append(stream.Flush()).ToString();
    }

    public TokenTextStream OpenTextStream() => OpenTextStream(continuesText: false);

    /// <summary>Opens a stream that gives piece by piece what <see cref="Decode(IReadOnlyList{int}, bool)"/> gives.</summary>
    public TokenTextStream OpenTextStream(bool continuesText) => new(_tokenBytes, _definition.Spelling.DropsFirstSpace && !continuesText);

    private static TextPlace PlaceOf(TextPiece piece) => piece.Start == 0 ? TextPlace.Start : TextPlace.AfterToken;

    private int[] EncodeText(string text, TextPlace place)
    {
        var ids = new List<int>();
        AppendNormalized(Normalize(WellFormedText.Of(text), place).AsMemory(), place, ids);
        return [.. ids];
    }

    private string Normalize(string text, TextPlace place) => _definition.Normalizer?.Normalize(text, place) ?? text;

    private void AppendNormalized(ReadOnlyMemory<char> text, TextPlace place, List<int> ids)
    {
        var words = new List<ReadOnlyMemory<char>>();
        _definition.PreTokenizer.Split(text, place, words);
        foreach (ReadOnlyMemory<char> word in words)
        {
            _encoder.Encode(word.Span, ids);
        }
    }
}
