namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>What a policy knows of one layer's one KV head over a page's 128 tokens. Arrays are not changed once made.</summary>
/// <param name="KeyMinima">[headDim]: the smallest element of each key channel.</param>
/// <param name="KeyMaxima">[headDim]: the largest element of each key channel.</param>
/// <param name="QueryImportance">[headDim]: I_d, the mean of |Q_d|, post-RoPE, over the page's tokens and the KV head's query heads.</param>
/// <param name="ValueMinima">[128 · groups]: the smallest element of each token's group of channels.</param>
/// <param name="ValueMaxima">[128 · groups]: the largest element of each token's group of channels.</param>
/// <param name="ValueVariance">Variance of a value channel over the page's tokens, mean over channels.</param>
/// <param name="OutputWeight">‖W_o block‖² / E‖x‖²: how much a unit of squared error of this head's output weighs in the residual stream x after the layer.</param>
internal sealed record BlockStatistics(
    float[] KeyMinima, float[] KeyMaxima, float[] QueryImportance, float[] ValueMinima, float[] ValueMaxima, double ValueVariance, double OutputWeight);
