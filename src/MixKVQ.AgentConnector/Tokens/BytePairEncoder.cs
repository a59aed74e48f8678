using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>
/// Encodes single words (pre-tokens) by byte-level BPE: the library's <see cref="BpeTokenizer"/> for ordinary words,
/// <see cref="BytePairMerger"/> for long ones, and whole words of the vocabulary at once where merges are ignored for these.
/// Never yields an added token: merges that would make one are left out. Thread-safe.
/// </summary>
internal sealed class BytePairEncoder : IWordEncoder
{
    /// <summary>Words of more bytes than this go to the merger; the library's time grows with their square.</summary>
    private const int LongWordBytes = 96;

    private readonly BpeTokenizer _library;
    private readonly BytePairMerger _merger;
    private readonly int[] _byteIds;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>>? _wholeWords;
    private readonly IReadOnlySet<int> _addedIds;

    /// <exception cref="InvalidDataException">A byte has no token, a merge names an unknown token or comes twice.</exception>
    public BytePairEncoder(TokenizerDefinition definition, IReadOnlySet<int> addedIds)
    {
        _addedIds = addedIds;
        _wholeWords = definition.IgnoreMerges ? definition.Vocabulary.GetAlternateLookup<ReadOnlySpan<char>>() : null;
        _byteIds = FindByteIds(definition, addedIds);

        var texts = new List<string>(definition.Merges.Count);
        var merges = new List<(int, int, int)>(definition.Merges.Count);
        var resolver = new MergeResolver(definition);
        foreach (string text in definition.Merges)
        {
            (int left, int right, int merged) = resolver.Resolve(text);
            if (!addedIds.Contains(merged))
            {
                texts.Add(text);
                merges.Add((left, right, merged));
            }
        }

        _merger = new BytePairMerger(merges);
        _library = BpeTokenizer.Create(new BpeOptions(definition.Vocabulary) { Merges = texts, ByteLevel = false, PreTokenizer = null });
    }

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(word.Length));
        int count = Encoding.UTF8.GetBytes(word, bytes);
        if (count > LongWordBytes)
        {
            EncodeLong(bytes.AsSpan(0, count), ids);
        }
        else
        {
            Span<char> symbols = stackalloc char[LongWordBytes];
            symbols = symbols[..count];
            for (int i = 0; i < count; i++)
            {
                symbols[i] = ByteAlphabet.ToCharacter(bytes[i]);
            }

            if (!TryWholeWord(symbols, ids))
            {
                ids.AddRange(_library.EncodeToIds(symbols, considerPreTokenization: false, considerNormalization: false));
            }
        }

        ArrayPool<byte>.Shared.Return(bytes);
    }

    private void EncodeLong(ReadOnlySpan<byte> bytes, List<int> ids)
    {
        if (_wholeWords is not null)
        {
            var text = new char[bytes.Length];
            for (int i = 0; i < text.Length; i++)
            {
                text[i] = ByteAlphabet.ToCharacter(bytes[i]);
            }

            if (TryWholeWord(text, ids))
            {
                return;
            }
        }

        var symbols = new int[bytes.Length];
        for (int i = 0; i < symbols.Length; i++)
        {
            symbols[i] = _byteIds[bytes[i]];
        }

        _merger.Merge(symbols, ids);
    }

    private bool TryWholeWord(ReadOnlySpan<char> symbols, List<int> ids)
    {
        if (_wholeWords is { } words && words.TryGetValue(symbols, out int id) && !_addedIds.Contains(id))
        {
            ids.Add(id);
            return true;
        }

        return false;
    }

    private static int[] FindByteIds(TokenizerDefinition definition, IReadOnlySet<int> addedIds)
    {
        var ids = new int[256];
        for (int value = 0; value < ids.Length; value++)
        {
            string symbol = ByteAlphabet.ToCharacter((byte)value).ToString();
            if (!definition.Vocabulary.TryGetValue(symbol, out ids[value]))
            {
                throw new InvalidDataException($"{definition.Source}: the vocabulary has no token '{symbol}' for the byte {value}, so not every text can be encoded; byte-level BPE needs all 256.");
            }

            if (addedIds.Contains(ids[value]))
            {
                throw new InvalidDataException($"{definition.Source}: the added token '{symbol}' is the token of the byte {value}, so ordinary text would yield an added token; take it out of the added tokens.");
            }
        }

        return ids;
    }
}
