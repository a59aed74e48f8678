using System.Text;

namespace MixKVQ.AgentConnector.Tokens.Normalization;

/// <summary>Normalization forms C and D (Unicode Standard Annex #15), in time proportional to n log n at most.</summary>
internal sealed class CanonicalNormalizer : ITextNormalizer
{
    private readonly bool _composes;

    private CanonicalNormalizer(bool composes) => _composes = composes;

    public static CanonicalNormalizer Nfc { get; } = new(composes: true);

    public static CanonicalNormalizer Nfd { get; } = new(composes: false);

    /// <inheritdoc/>
    public string Normalize(string text, TextPlace place) => Normalize(text);

    /// <summary>The text in this form, wherever it stands.</summary>
    public string Normalize(string text)
    {
        if (!MayChange(text))
        {
            return text;
        }

        CanonicalCharacters data = CanonicalCharacters.Instance;
        var characters = new List<int>(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            AppendDecomposed(data, rune.Value, characters);
        }

        Reorder(data, characters);
        if (_composes)
        {
            Compose(data, characters);
        }

        var normalized = new StringBuilder(text.Length);
        foreach (int character in characters)
        {
            normalized.Append(new Rune(character).ToString());
        }

        return normalized.ToString();
    }

    private bool MayChange(string text)
    {
        // Below U+00C0 nothing decomposes; below U+0300 nothing combines, and all is composed.
        char firstChanging = _composes ? '\u0300' : '\u00C0';
        int start = text.AsSpan().IndexOfAnyInRange(firstChanging, '\uFFFF');
        if (start < 0 || !_composes)
        {
            return start >= 0;
        }

        CanonicalCharacters data = CanonicalCharacters.Instance;
        foreach (Rune rune in text.AsSpan(start).EnumerateRunes())
        {
            if (data.MayChangeInNfc(rune.Value))
            {
                return true;
            }
        }

        return false;
    }

    private static void AppendDecomposed(CanonicalCharacters data, int character, List<int> characters)
    {
        if (Hangul.IsSyllable(character))
        {
            Hangul.Decompose(character, characters);
        }
        else if (data.Decompose(character) is { } parts)
        {
            foreach (int part in parts)
            {
                AppendDecomposed(data, part, characters);
            }
        }
        else
        {
            characters.Add(character);
        }
    }

    /// <summary>Sorts each run of combining characters by class, equal ones kept in order.</summary>
    private static void Reorder(CanonicalCharacters data, List<int> characters)
    {
        for (int start = 0; start < characters.Count; start++)
        {
            int end = start;
            while (end < characters.Count && data.ClassOf(characters[end]) != 0)
            {
                end++;
            }

            if (end - start > 1)
            {
                int[] sorted = [.. characters.GetRange(start, end - start).OrderBy(data.ClassOf)];
                for (int i = 0; i < sorted.Length; i++)
                {
                    characters[start + i] = sorted[i];
                }
            }

            start = end;
        }
    }

    /// <summary>Joins each character to the last starter before it where they compose and nothing of its class or above stands between.</summary>
    private static void Compose(CanonicalCharacters data, List<int> characters)
    {
        int starter = -1;
        int written = 0;
        int previousClass = 0;
        for (int i = 0; i < characters.Count; i++)
        {
            int character = characters[i];
            int combiningClass = data.ClassOf(character);
            bool isReachable = starter >= 0 && (starter == written - 1 || (combiningClass != 0 && previousClass < combiningClass));
            if (isReachable && (Hangul.TryCompose(characters[starter], character, out int composite) || data.TryCompose(characters[starter], character, out composite)))
            {
                characters[starter] = composite;
                continue;
            }

            if (combiningClass == 0)
            {
                starter = written;
            }

            previousClass = combiningClass;
            characters[written++] = character;
        }

        characters.RemoveRange(written, characters.Count - written);
    }
}
