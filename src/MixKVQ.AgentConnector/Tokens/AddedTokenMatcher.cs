using System.Buffers;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>
/// Finds added tokens in a text as Hugging Face tokenizers does: leftmost first, of these the longest, none overlapping;
/// a single-word token that touches a word is passed over, and stripping tokens take the white space beside them.
/// </summary>
internal sealed class AddedTokenMatcher
{
    private readonly AddedTokenTrie _trie;
    private readonly SearchValues<char> _firstUnits;

    public AddedTokenMatcher(IReadOnlyCollection<(string Text, AddedToken Token)> entries)
    {
        _trie = new AddedTokenTrie(entries);
        _firstUnits = SearchValues.Create([.. entries.Select(entry => entry.Text[0]).Distinct()]);
    }

    /// <summary>Appends pieces that together cover the text, in order, none empty.</summary>
    public void Split(ReadOnlySpan<char> text, List<TextPiece> pieces)
    {
        int covered = 0;
        int position = 0;
        while (position < text.Length)
        {
            int offset = text[position..].IndexOfAny(_firstUnits);
            if (offset < 0)
            {
                break;
            }

            position += offset;
            AddedToken? token = LongestAt(text[position..], out int length);
            if (token is null)
            {
                position++;
                continue;
            }

            int start = position;
            int end = position + length;
            position = end;
            if (start < covered || (token.SingleWord && (WordCharacters.EndsWith(text[..start]) || WordCharacters.StartsWith(text[end..]))))
            {
                continue;
            }

            if (token.LeftStrip)
            {
                start = Math.Max(covered, text[..start].TrimEnd().Length);
            }

            if (token.RightStrip)
            {
                end = text.Length - text[end..].TrimStart().Length;
            }

            if (start > covered)
            {
                pieces.Add(new TextPiece(covered, start - covered, null));
            }

            pieces.Add(new TextPiece(start, end - start, token));
            covered = end;
        }

        if (covered < text.Length)
        {
            pieces.Add(new TextPiece(covered, text.Length - covered, null));
        }
    }

    private AddedToken? LongestAt(ReadOnlySpan<char> text, out int length)
    {
        AddedToken? longest = null;
        length = 0;
        int node = AddedTokenTrie.Root;
        for (int i = 0; i < text.Length && _trie.TryStep(ref node, text[i]); i++)
        {
            if (_trie.TokenAt(node) is { } token)
            {
                longest = token;
                length = i + 1;
            }
        }

        return longest;
    }
}
