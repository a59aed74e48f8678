using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace MixKVQ.AgentConnector.Constraints.Masks;

/// <summary>Writes a set of ids over logits.</summary>
internal static class LogitMask
{
    /// <summary>Sets the logits of all ids outside the set to negative infinity.</summary>
    public static void Apply(ReadOnlySpan<ulong> allowed, Span<float> logits)
    {
        int words = Math.Min(allowed.Length, logits.Length / 64);
        for (int word = 0; word < words; word++)
        {
            Apply(allowed[word], logits.Slice(word * 64, 64));
        }

        for (int id = words * 64; id < logits.Length; id++)
        {
            if (id >> 6 >= allowed.Length || (allowed[id >> 6] >> (id & 63) & 1) == 0)
            {
                logits[id] = float.NegativeInfinity;
            }
        }
    }

    private static void Apply(ulong bits, Span<float> logits)
    {
        if (bits == 0)
        {
            logits.Fill(float.NegativeInfinity);
            return;
        }

        if (bits == ulong.MaxValue)
        {
            return;
        }

        Vector256<int> places = Vector256.Create(1, 2, 4, 8, 16, 32, 64, 128);
        Vector256<float> barred = Vector256.Create(float.NegativeInfinity);
        ref float first = ref MemoryMarshal.GetReference(logits);
        for (int group = 0; group < 8; group++)
        {
            Vector256<int> chosen = Vector256.Equals(Vector256.Create((int)(bits >> (group * 8))) & places, places);
            Vector256<float> values = Vector256.LoadUnsafe(ref first, (nuint)(group * 8));
            Vector256.ConditionalSelect(chosen.AsSingle(), values, barred).StoreUnsafe(ref first, (nuint)(group * 8));
        }
    }
}
