namespace MixKVQ.AgentConnector.Tests.Attention;

/// <summary>Attention in float64, written as its definition, for one query and one KV head.</summary>
internal static class PlainAttention
{
    /// <param name="query">[headDim].</param>
    /// <param name="keys">[tokens][headDim]: those that the query may see.</param>
    /// <param name="values">[tokens][headDim].</param>
    /// <param name="scale">What logits are multiplied by.</param>
    public static double[] Attend(double[] query, IReadOnlyList<double[]> keys, IReadOnlyList<double[]> values, double scale)
    {
        double[] logits = [.. keys.Select(key => scale * key.Zip(query, (k, q) => k * q).Sum())];
        double largest = logits.Max();
        double[] weights = [.. logits.Select(logit => Math.Exp(logit - largest))];
        double sum = weights.Sum();
        return [.. Enumerable.Range(0, query.Length).Select(d => Enumerable.Range(0, keys.Count).Sum(t => weights[t] * values[t][d]) / sum)];
    }
}
