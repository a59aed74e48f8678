namespace MixKVQ.AgentConnector.Constraints.Masks;

/// <summary>The tokens allowed at one configuration: shared sets, further tokens, and tokens to take out. Immutable.</summary>
internal sealed record TokenMask(ulong[][] Shared, int[] Added, int[] Removed)
{
    /// <summary>The most bytes and added tokens that complete the text after any of the tokens.</summary>
    public required int LargestShortest { get; init; }

    /// <summary>Whether no token may come.</summary>
    public bool IsEmpty => Shared.Length == 0 && Added.Length == 0;

    /// <summary>Writes the set.</summary>
    public void CopyTo(Span<ulong> bits)
    {
        if (Shared.Length == 0)
        {
            bits.Clear();
        }
        else
        {
            Shared[0].CopyTo(bits);
            foreach (ulong[] more in Shared.AsSpan(1))
            {
                for (int word = 0; word < more.Length; word++)
                {
                    bits[word] |= more[word];
                }
            }
        }

        foreach (int token in Added)
        {
            bits[token >> 6] |= 1UL << (token & 63);
        }

        foreach (int token in Removed)
        {
            bits[token >> 6] &= ~(1UL << (token & 63));
        }
    }
}
