namespace MixKVQ.AgentConnector.Tokens.Normalization;

/// <summary>Arithmetic of Hangul syllables (Unicode Standard, section 3.12): leading consonant, vowel, optional trailing consonant.</summary>
internal static class Hangul
{
    public const int FirstVowel = 0x1161;

    /// <summary>One after the last trailing consonant.</summary>
    public const int EndOfTrailing = FirstTrailing + TrailingCount;

    private const int FirstSyllable = 0xAC00;
    private const int FirstLeading = 0x1100;

    /// <summary>One before the first trailing consonant: index 0 means none.</summary>
    private const int FirstTrailing = 0x11A7;

    private const int LeadingCount = 19;
    private const int VowelCount = 21;
    private const int TrailingCount = 28;
    private const int SyllableCount = LeadingCount * VowelCount * TrailingCount;

    public static bool IsSyllable(int character) => character is >= FirstSyllable and < FirstSyllable + SyllableCount;

    public static void Decompose(int syllable, List<int> characters)
    {
        int index = syllable - FirstSyllable;
        characters.Add(FirstLeading + (index / (VowelCount * TrailingCount)));
        characters.Add(FirstVowel + (index / TrailingCount % VowelCount));
        if (index % TrailingCount != 0)
        {
            characters.Add(FirstTrailing + (index % TrailingCount));
        }
    }

    public static bool TryCompose(int first, int second, out int composite)
    {
        composite = 0;
        if (first is >= FirstLeading and < FirstLeading + LeadingCount && second is >= FirstVowel and < FirstVowel + VowelCount)
        {
            composite = FirstSyllable + (((((first - FirstLeading) * VowelCount) + second) - FirstVowel) * TrailingCount);
        }
        else if (IsSyllable(first) && (first - FirstSyllable) % TrailingCount == 0 && second is > FirstTrailing and < EndOfTrailing)
        {
            composite = first + second - FirstTrailing;
        }

        return composite != 0;
    }
}
