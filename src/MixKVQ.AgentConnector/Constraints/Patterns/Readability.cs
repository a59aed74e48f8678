using System.Globalization;
using System.Text;

namespace MixKVQ.AgentConnector.Constraints.Patterns;

/// <summary>Orders code points by how well they read in a value that nobody chose.</summary>
internal static class Readability
{
    public static int Compare(int left, int right) => (Rank(left), left).CompareTo((Rank(right), right));

    /// <summary>Lower is better; surrogates, which no text holds, come last.</summary>
    private static int Rank(int codePoint) => codePoint switch
    {
        >= 'a' and <= 'z' => 0,
        >= 'A' and <= 'Z' => 1,
        >= '0' and <= '9' => 2,
        > ' ' and <= '~' => 3,
        ' ' => 4,
        _ when !Rune.IsValid(codePoint) => 7,
        _ when char.IsControl(char.ConvertFromUtf32(codePoint), 0) => 6,
        _ => CharUnicodeInfo.GetUnicodeCategory(codePoint) is UnicodeCategory.OtherNotAssigned or UnicodeCategory.Format ? 5 : 4,
    };
}
