using MixKVQ.AgentConnector.Cache.Precision;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>What a cache holds beside its pages.</summary>
/// <param name="Sinks">The first 32 tokens.</param>
/// <param name="Tail">The tokens after the last page.</param>
/// <param name="Statistics">Of the tail's tokens.</param>
internal sealed record CacheBuffers(TokenBuffer Sinks, TokenBuffer Tail, IQueryStatistics Statistics)
{
    /// <summary>Makes all parts, or none where one cannot be made: memory may be exhausted.</summary>
    public static CacheBuffers Make(Func<TokenBuffer> sinks, Func<TokenBuffer> tail, Func<IQueryStatistics> statistics)
    {
        TokenBuffer? madeSinks = null, madeTail = null;
        try
        {
            madeSinks = sinks();
            madeTail = tail();
            return new CacheBuffers(madeSinks, madeTail, statistics());
        }
        catch
        {
            madeSinks?.Release();
            madeTail?.Release();
            throw;
        }
    }
}
