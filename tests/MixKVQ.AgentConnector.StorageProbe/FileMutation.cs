using System.Buffers.Binary;
using System.IO.Hashing;

namespace MixKVQ.AgentConnector.StorageProbe;

/// <summary>Changes the bytes of a saved conversation's file at random.</summary>
internal static class FileMutation
{
    private const int HeaderBytes = 4096;
    private const int SectionsAt = 24;
    private const int SectionBytes = 32;
    private const int SectionCount = 4;

    private static readonly long[] Numbers = [0, 1, -1, 31, 32, 4095, 4096, 8192, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue, 1L << 40];

    private static readonly string[] Fragments = ["{", "}", "[", "]", "\"", ":", ",", "null", "true", "0", "-1", "9999999999", "1e999", "\\ud800", "\\u0000", "\u00ff", "\"id\"", "[[[[[[[["];

    /// <summary>The file with a few changes, perhaps with stretches of another.</summary>
    public static byte[] Apply(byte[] file, byte[] other, Random random)
    {
        byte[] mutated = [.. file];
        for (int changes = random.Next(1, 4); changes > 0 && mutated.Length > 0; changes--)
        {
            mutated = Change(mutated, other, random);
        }

        return mutated;
    }

    /// <summary>Makes the checksums right again where the header still says where the sections are.</summary>
    public static void Forge(Span<byte> file)
    {
        if (file.Length < HeaderBytes)
        {
            return;
        }

        BinaryPrimitives.WriteInt64LittleEndian(file[16..], file.Length);
        for (int i = 0; i < SectionCount; i++)
        {
            Span<byte> entry = file.Slice(SectionsAt + i * SectionBytes, SectionBytes);
            long offset = BinaryPrimitives.ReadInt64LittleEndian(entry);
            long length = BinaryPrimitives.ReadInt64LittleEndian(entry[8..]);
            if (offset >= 0 && length >= 0 && offset <= file.Length && length <= file.Length - offset)
            {
                BinaryPrimitives.WriteUInt128LittleEndian(entry[16..], XxHash128.HashToUInt128(file.Slice((int)offset, (int)length)));
            }
        }

        BinaryPrimitives.WriteUInt128LittleEndian(file[(HeaderBytes - 16)..], XxHash128.HashToUInt128(file[..(HeaderBytes - 16)]));
    }

    private static byte[] Change(byte[] file, byte[] other, Random random)
    {
        int at = Place(file, random);
        int count = Math.Min(random.Next(1, 1 << random.Next(1, 13)), file.Length - at);
        switch (random.Next(8))
        {
            case 0:
                file[at] ^= (byte)(1 << random.Next(8));
                return file;
            case 1:
                random.NextBytes(file.AsSpan(at, count));
                return file;
            case 2:
                return file[..at];
            case 3:
                return [.. file[..at], .. file[(at + count)..]];
            case 4:
                return [.. file[..at], .. new byte[count], .. file[at..]];
            case 5:
                int from = random.Next(other.Length);
                other.AsSpan(from, Math.Min(count, other.Length - from)).CopyTo(file.AsSpan(at, Math.Min(count, other.Length - from)));
                return file;
            case 6 when at + sizeof(long) <= file.Length:
                BinaryPrimitives.WriteInt64LittleEndian(file.AsSpan(at / 8 * 8), Numbers[random.Next(Numbers.Length)]);
                return file;
            default:
                byte[] fragment = System.Text.Encoding.Latin1.GetBytes(Fragments[random.Next(Fragments.Length)]);
                fragment.AsSpan(0, Math.Min(fragment.Length, file.Length - at)).CopyTo(file.AsSpan(at));
                return file;
        }
    }

    /// <summary>Half of the places are in the header's numbers or the text, where most is said.</summary>
    private static int Place(byte[] file, Random random) => random.Next(4) switch
    {
        0 => Math.Min(random.Next(SectionsAt + SectionCount * SectionBytes), file.Length - 1),
        1 => Math.Min(HeaderBytes + random.Next(2000), file.Length - 1),
        _ => random.Next(file.Length),
    };
}
