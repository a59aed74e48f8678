using System.Text;

namespace MixKVQ.AgentConnector.Tokens;

/// <summary>
/// The 256 printable characters in which byte-level BPE writes bytes (GPT-2): printable Latin-1 bytes stand for themselves,
/// the other 68 take the characters from U+0100 on in order.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = MakeCharacters();
    private static readonly short[] Bytes = MakeBytes();

    /// <summary>The character that stands for a byte.</summary>
    public static char ToCharacter(byte value) => Characters[value];

    /// <summary>Appends the bytes that a token's text stands for; text outside the alphabet stands for its own UTF-8 bytes.</summary>
    public static void AppendTokenBytes(string token, List<byte> bytes)
    {
        int start = bytes.Count;
        foreach (char unit in token)
        {
            if (unit >= Bytes.Length || Bytes[unit] < 0)
            {
                bytes.RemoveRange(start, bytes.Count - start);
                bytes.AddRange(Encoding.UTF8.GetBytes(token));
                return;
            }

            bytes.Add((byte)Bytes[unit]);
        }
    }

    private static char[] MakeCharacters()
    {
        var characters = new char[256];
        char next = '\u0100';
        for (int value = 0; value < 256; value++)
        {
            bool isPrintable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            characters[value] = isPrintable ? (char)value : next++;
        }

        return characters;
    }

    private static short[] MakeBytes()
    {
        var bytes = new short[Characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (int value = 0; value < 256; value++)
        {
            bytes[Characters[value]] = (short)value;
        }

        return bytes;
    }
}
