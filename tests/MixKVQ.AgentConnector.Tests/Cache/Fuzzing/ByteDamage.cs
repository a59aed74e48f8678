namespace MixKVQ.AgentConnector.Tests.Cache.Fuzzing;

/// <summary>Damages bytes at random: flips bits, overwrites, swaps and repeats ranges, cuts off, appends.</summary>
internal static class ByteDamage
{
    /// <summary>A damaged copy.</summary>
    /// <param name="bytes">Whole bytes.</param>
    /// <param name="random">Chooses the damage.</param>
    /// <param name="keepsLength">Whether bytes are neither cut off nor appended.</param>
    /// <param name="vitals">Places near which half of the damage is done, where there are any.</param>
    public static byte[] Apply(ReadOnlySpan<byte> bytes, Random random, bool keepsLength, ReadOnlySpan<int> vitals)
    {
        byte[] damaged = bytes.ToArray();
        for (int times = random.Next(1, 4); times > 0 && damaged.Length > 0; times--)
        {
            damaged = ApplyOnce(damaged, random, keepsLength, vitals);
        }

        return damaged;
    }

    private static byte[] ApplyOnce(byte[] bytes, Random random, bool keepsLength, ReadOnlySpan<int> vitals)
    {
        int at = vitals.Length > 0 && random.Next(2) == 0
            ? Math.Min(bytes.Length - 1, vitals[random.Next(vitals.Length)] + random.Next(64))
            : random.Next(bytes.Length);
        int count = Math.Min(bytes.Length - at, random.Next(2) == 0 ? random.Next(1, 9) : random.Next(1, 257));
        Span<byte> range = bytes.AsSpan(at, count);
        switch (random.Next(keepsLength ? 7 : 9))
        {
            case 0 or 1:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 2:
                range.Fill(0xFF);
                break;
            case 3:
                range.Clear();
                break;
            case 4:
                random.NextBytes(range);
                break;
            case 5:
                int other = random.Next(bytes.Length - count + 1);
                byte[] kept = range.ToArray();
                bytes.AsSpan(other, count).CopyTo(range);
                kept.CopyTo(bytes.AsSpan(other, count));
                break;
            case 6:
                bytes.AsSpan(random.Next(bytes.Length - count + 1), count).CopyTo(range);
                break;
            case 7:
                return bytes[..at];
            default:
                return [.. bytes, .. new byte[random.Next(2) == 0 ? count : 64]];
        }

        return bytes;
    }
}
