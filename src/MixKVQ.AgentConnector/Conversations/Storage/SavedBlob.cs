using System.Globalization;
using System.IO.Hashing;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>The name of bytes that never change (a page, the sinks): equal bytes have one name, and are kept once.</summary>
/// <param name="Checksum">Their XxHash128.</param>
/// <param name="Length">How many they are.</param>
internal readonly record struct SavedBlob(UInt128 Checksum, int Length)
{
    private const string Extension = ".blob";
    private const int ChecksumDigits = 32;

    /// <summary>The name of the file that holds them: 32 hexadecimal digits, the length, and an extension.</summary>
    public string FileName => string.Create(CultureInfo.InvariantCulture, $"{Checksum:x32}-{Length}{Extension}");

    /// <summary>The name of <paramref name="bytes"/>.</summary>
    public static SavedBlob Of(ReadOnlySpan<byte> bytes) => new(XxHash128.HashToUInt128(bytes), bytes.Length);

    /// <summary>What a file name stands for; null where it is not the name of such bytes, letter for letter.</summary>
    public static SavedBlob? FromFileName(string name)
    {
        ReadOnlySpan<char> text = name;
        return name.Length > ChecksumDigits + 1
            && name.EndsWith(Extension, StringComparison.Ordinal)
            && UInt128.TryParse(text[..ChecksumDigits], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out UInt128 checksum)
            && int.TryParse(text[(ChecksumDigits + 1)..^Extension.Length], NumberStyles.None, CultureInfo.InvariantCulture, out int length)
            && new SavedBlob(checksum, length) is var blob
            && blob.FileName == name
                ? blob
                : null;
    }
}
