namespace MixKVQ.AgentConnector.Chat.Guidance;

/// <summary>Finds a marker in bytes that come piece by piece (Knuth, Morris and Pratt). Not thread-safe.</summary>
/// <param name="marker">At least one byte.</param>
internal sealed class MarkerSearch(byte[] marker)
{
    private readonly int[] _borders = Borders(marker);

    /// <summary>How many bytes of the marker the text so far ends with.</summary>
    public int MatchedBytes { get; private set; }

    /// <summary>Reads on. Where the marker ends within <paramref name="bytes"/> it returns the place behind it and begins anew; else -1.</summary>
    public int Read(ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            while (MatchedBytes > 0 && marker[MatchedBytes] != bytes[i])
            {
                MatchedBytes = _borders[MatchedBytes - 1];
            }

            if (marker[MatchedBytes] == bytes[i] && ++MatchedBytes == marker.Length)
            {
                MatchedBytes = 0;
                return i + 1;
            }
        }

        return -1;
    }

    /// <summary>Of each beginning of the marker, the longest shorter beginning that it ends with.</summary>
    private static int[] Borders(byte[] marker)
    {
        var borders = new int[marker.Length];
        for (int i = 1, border = 0; i < marker.Length; i++)
        {
            while (border > 0 && marker[border] != marker[i])
            {
                border = borders[border - 1];
            }

            borders[i] = marker[border] == marker[i] ? ++border : border;
        }

        return borders;
    }
}
