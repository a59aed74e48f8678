using MixKVQ.AgentConnector.Cache;

namespace MixKVQ.AgentConnector.Conversations.Storage;

/// <summary>What of a cache never changes, in the order of a file: the sinks once they are full, then the pages.</summary>
internal static class SealedPieces
{
    /// <summary>How many pieces a cache of as many tokens has.</summary>
    public static int CountFor(int cachedTokens) => cachedTokens < CacheGeometry.SinkTokens ? 0 : 1 + CacheGeometry.PagesIn(cachedTokens);

    /// <summary>The bytes of one piece, valid as long as <paramref name="image"/> is.</summary>
    public static ReadOnlySpan<byte> Bytes(CacheImage image, int piece) => piece == 0 ? image.Sinks.Span : image.Pages[piece - 1].Read();
}
