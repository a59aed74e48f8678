using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Generation;

/// <summary>One generated token.</summary>
/// <param name="Id">Its id.</param>
/// <param name="End">Why this is the last token; null if more follow.</param>
/// <param name="Statistics">The figures up to this token, so that a consumer which stops here has them too.</param>
internal readonly record struct GeneratedToken(int Id, GenerationEnd? End, GenerationStatistics Statistics)
{
    /// <summary>How probable it was; null where the sampling options ask for no report.</summary>
    public TokenLikelihood? Likelihood { get; init; }
}
