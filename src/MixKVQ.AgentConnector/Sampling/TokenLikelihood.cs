namespace MixKVQ.AgentConnector.Sampling;

/// <summary>How probable a chosen token was by the model's own distribution, and which tokens were the most probable.</summary>
/// <param name="LogProbability">Natural logarithm of the chosen token's probability.</param>
/// <param name="Alternatives">The most probable tokens, best first; the chosen one is among them if it is one of them.</param>
internal sealed record TokenLikelihood(float LogProbability, IReadOnlyList<(int TokenId, float LogProbability)> Alternatives);
