using System.Buffers;
using System.Runtime.CompilerServices;

namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>Sorts by 32-bit keys in three passes over all, several times as fast as by comparison where there are many.</summary>
internal static class RadixSort
{
    private const int DigitBits = 11;
    private const int Digits = 1 << DigitBits;

    /// <summary>Orders keys, with the items that belong to them, by rising key. Items of equal keys keep their order.</summary>
    public static void Sort(Span<uint> keys, Span<uint> items)
    {
        uint[] otherKeys = ArrayPool<uint>.Shared.Rent(keys.Length), otherItems = ArrayPool<uint>.Shared.Rent(keys.Length);
        Span<uint> toKeys = otherKeys.AsSpan(0, keys.Length), toItems = otherItems.AsSpan(0, keys.Length);
        Pass(keys, items, toKeys, toItems, 0);
        Pass(toKeys, toItems, keys, items, DigitBits);
        Pass(keys, items, toKeys, toItems, 2 * DigitBits);
        toKeys.CopyTo(keys);
        toItems.CopyTo(items);
        ArrayPool<uint>.Shared.Return(otherKeys);
        ArrayPool<uint>.Shared.Return(otherItems);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pass(ReadOnlySpan<uint> keys, ReadOnlySpan<uint> items, Span<uint> toKeys, Span<uint> toItems, int shift)
    {
        Span<int> places = stackalloc int[Digits];
        places.Clear();
        foreach (uint key in keys)
        {
            places[(int)((key >> shift) % Digits)]++;
        }

        int place = 0;
        foreach (ref int digit in places)
        {
            (digit, place) = (place, place + digit);
        }

        for (int i = 0; i < keys.Length; i++)
        {
            int to = places[(int)((keys[i] >> shift) % Digits)]++;
            (toKeys[to], toItems[to]) = (keys[i], items[i]);
        }
    }
}
