namespace MixKVQ.AgentConnector.Sampling;

/// <summary>What is added to a token's logit.</summary>
internal readonly record struct TokenBias(int TokenId, float Bias);
