using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Tests.Sampling;

/// <summary>The oracle of the filters: sorts the whole vocabulary and works in double precision.</summary>
internal static class NaiveSampling
{
    /// <summary>The probability of every id.</summary>
    public static double[] Probabilities(ReadOnlySpan<float> logits, SamplingOptions options)
    {
        double[] scaled = [.. logits.ToArray().Select(logit => (double)logit / options.Temperature)];
        List<int> kept = [.. Enumerable.Range(0, scaled.Length).OrderByDescending(id => scaled[id]).ThenBy(id => id)];
        if (options.TopK > 0)
        {
            kept = [.. kept.Take(options.TopK)];
        }

        if (options.TopP < 1)
        {
            double[] before = Softmax(scaled, kept);
            double sum = 0;
            List<int> nucleus = [];
            foreach (int id in kept)
            {
                if (nucleus.Count > 0 && sum >= options.TopP)
                {
                    break;
                }

                nucleus.Add(id);
                sum += before[id];
            }

            kept = nucleus;
        }

        double[] left = Softmax(scaled, kept);
        double highest = left.Max();
        return Softmax(scaled, [.. kept.Where(id => left[id] >= options.MinP * highest)]);
    }

    private static double[] Softmax(double[] scaled, List<int> kept)
    {
        double[] result = new double[scaled.Length];
        double max = kept.Max(id => scaled[id]);
        double sum = kept.Sum(id => Math.Exp(scaled[id] - max));
        foreach (int id in kept)
        {
            result[id] = Math.Exp(scaled[id] - max) / sum;
        }

        return result;
    }
}
