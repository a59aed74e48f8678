using MixKVQ.AgentConnector;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using static TorchSharp.torch;

namespace TrainPlannerModel.Evaluation;

/// <summary>Measures cache policies on given texts against the full-precision cache of the same model.</summary>
internal static class PolicyAccuracy
{
    /// <summary>Logits of every position of each text, float32 [tokens, vocabulary], and the cache's use at the end of the last.</summary>
    /// <remarks>
    /// Texts go through the model in chunks that end at page borders, so every position reads the pages that token-by-token decoding
    /// would read, quantized from the first page on.
    /// </remarks>
    public static (List<Tensor> Logits, CacheUsage Usage) Run(string modelFolder, PolicyRow row, IEnumerable<int[]> texts)
    {
        using IDisposable inference = inference_mode();
        using DecoderModel model = DecoderModel.Load(modelFolder, CPU, null, row.Options.ExpectsRotatedValues, row.Weights);
        using KvCacheFactory factory = new(model.CacheGeometry, row.Options, model.Team);
        List<Tensor> logits = [];
        CacheUsage? usage = null;
        foreach (int[] tokens in texts)
        {
            using KvCache cache = factory.Create();
            List<Tensor> chunks = [];
            for (int start = 0; start < tokens.Length;)
            {
                int count = Math.Min(tokens.Length - start, cache.TokensToPageBorder);
                chunks.Add(model.Forward(new ForwardStep(tokens.AsMemory(start, count), cache, AllLogits: true)));
                start += count;
            }

            logits.Add(cat(chunks));
            chunks.ForEach(chunk => chunk.Dispose());
            usage = cache.Usage;
        }

        return (logits, usage ?? throw new ArgumentException("No text was given.", nameof(texts)));
    }
}
