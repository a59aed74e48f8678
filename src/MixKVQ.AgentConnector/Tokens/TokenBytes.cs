using System.Text;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>The bytes each token id stands for, in one array. Ids without a token stand for none. Immutable.</summary>
internal sealed class TokenBytes
{
    private readonly byte[] _bytes;
    private readonly int[] _ends;

    /// <param name="vocabulary">Tokens spelt as <paramref name="spelling"/> says.</param>
    /// <param name="addedTokens">Special ones are as written; others stand for text as the vocabulary's do, except in byte-level BPE.</param>
    /// <param name="spelling">Of the vocabulary.</param>
    public TokenBytes(IReadOnlyDictionary<string, int> vocabulary, IReadOnlyCollection<AddedToken> addedTokens, TokenSpelling spelling)
    {
        int highestId = Math.Max(vocabulary.Values.Max(), addedTokens.Select(token => token.Id).DefaultIfEmpty(-1).Max());
        var texts = new string?[highestId + 1];
        foreach ((string text, int id) in vocabulary)
        {
            texts[id] = text;
        }

        var isAsWritten = new bool[texts.Length];
        foreach (AddedToken token in addedTokens)
        {
            texts[token.Id] = token.Content;
            isAsWritten[token.Id] = token.IsSpecial || spelling.IsByteLevel;
        }

        var bytes = new List<byte>(texts.Length * 8);
        _ends = new int[texts.Length];
        for (int id = 0; id < texts.Length; id++)
        {
            if (isAsWritten[id])
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(texts[id]!));
            }
            else if (texts[id] is { } text)
            {
                spelling.AppendBytes(text, bytes);
            }

            _ends[id] = bytes.Count;
        }

        _bytes = [.. bytes];
    }

    /// <summary>The highest id that has a token, plus one.</summary>
    public int VocabularySize => _ends.Length;

    public ReadOnlySpan<byte> this[int id]
    {
        get
        {
            if ((uint)id >= (uint)_ends.Length)
            {
                return [];
            }

            int start = id == 0 ? 0 : _ends[id - 1];
            return _bytes.AsSpan(start, _ends[id] - start);
        }
    }
}
