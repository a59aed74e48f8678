using System.Buffers;
using System.Text;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>
/// Encodes words by BPE over characters with byte fallback, as SentencePiece models do (Llama 2, Mistral, Phi-3). A word may be a
/// whole text. A character without a token is spelt in byte tokens, else it is the unknown token. No other added token comes out:
/// merges and characters that would give one are left out. Thread-safe.
/// </summary>
internal sealed class CharacterPairEncoder : IWordEncoder
{
    private const int ByteCount = 256;
    private const int Absent = -1;

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _vocabulary;
    private readonly IReadOnlySet<int> _addedIds;
    private readonly BytePairMerger _merger;
    private readonly int[] _byteIds;
    private readonly int _unknownId;
    private readonly bool _fusesUnknown;
    private readonly bool _takesWholeWords;

    /// <exception cref="InvalidDataException">A merge names an unknown token or comes twice, or a character could get no token.</exception>
    public CharacterPairEncoder(TokenizerDefinition definition, IReadOnlySet<int> addedIds)
    {
        _vocabulary = definition.Vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        _addedIds = addedIds;
        _fusesUnknown = definition.FusesUnknown;
        _takesWholeWords = definition.IgnoreMerges;
        _byteIds = [.. Enumerable.Range(0, ByteCount).Select(value => definition.HasByteFallback ? Find(TokenSpelling.ByteToken((byte)value)) : Absent)];
        _unknownId = definition.UnknownToken is { } unknown
            ? definition.Vocabulary.TryGetValue(unknown, out int id) ? id : throw new InvalidDataException($"{definition.Source}: model.unk_token is '{Excerpt.Of(unknown)}', which the vocabulary lacks.")
            : Absent;
        int missing = Array.IndexOf(_byteIds, Absent);
        if (missing >= 0 && _unknownId < 0)
        {
            throw new InvalidDataException(definition.HasByteFallback
                ? $"{definition.Source}: the vocabulary has no token '{TokenSpelling.ByteToken((byte)missing)}' of its own for the byte {missing}, and model.unk_token is not set, so not every text can be encoded."
                : $"{definition.Source}: model has neither byte_fallback nor an unk_token, so not every text can be encoded. Take the tokenizer.json of a known model.");
        }

        var resolver = new MergeResolver(definition);
        _merger = new BytePairMerger([.. definition.Merges.Select(resolver.Resolve).Where(merge => !addedIds.Contains(merge.Merged))]);
    }

    /// <inheritdoc/>
    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        if (_takesWholeWords && Find(word) is >= 0 and int whole)
        {
            ids.Add(whole);
            return;
        }

        int[] symbols = ArrayPool<int>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(word.Length));
        int count = 0;
        Span<byte> utf8 = stackalloc byte[4];
        bool afterUnknown = false;
        for (int i = 0; i < word.Length;)
        {
            int length = char.IsHighSurrogate(word[i]) ? 2 : 1;
            ReadOnlySpan<char> character = word.Slice(i, length);
            i += length;
            int id = Find(character);
            ReadOnlySpan<byte> bytes = utf8[..Encoding.UTF8.GetBytes(character, utf8)];
            bool isUnknown = id < 0 && !HasAll(bytes);
            if (id >= 0)
            {
                symbols[count++] = id;
            }
            else if (!isUnknown)
            {
                foreach (byte value in bytes)
                {
                    symbols[count++] = _byteIds[value];
                }
            }
            else if (!afterUnknown || !_fusesUnknown)
            {
                symbols[count++] = _unknownId;
            }

            afterUnknown = isUnknown;
        }

        _merger.Merge(symbols.AsSpan(0, count), ids);
        ArrayPool<int>.Shared.Return(symbols);
    }

    private int Find(ReadOnlySpan<char> token) => _vocabulary.TryGetValue(token, out int id) && !_addedIds.Contains(id) ? id : Absent;

    private bool HasAll(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            if (_byteIds[value] < 0)
            {
                return false;
            }
        }

        return true;
    }
}
