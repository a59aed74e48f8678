using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Native.Cuda;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models.Cuda;

/// <summary>A model and some conversations, on the CPU or on an emulated device.</summary>
internal sealed class DecodeHost : IDisposable
{
    public DecodeHost(string folder, ScalarType dtype, IKernelDevice? kernels, KvCachePolicy policy)
    {
        Model = DecoderModel.Load(folder, CPU, dtype, kernels: kernels);
        Factory = new KvCacheFactory(Model.CacheGeometry, new KvCacheOptions { Policy = policy }, Model.Team, kernels);
    }

    public DecoderModel Model { get; }

    public KvCacheFactory Factory { get; }

    public List<KvCache> Caches { get; } = [];

    /// <summary>Makes a conversation of each prompt.</summary>
    public void Fill(int[][] prompts)
    {
        foreach (int[] prompt in prompts)
        {
            KvCache cache = Factory.Create();
            Caches.Add(cache);
            while (cache.TokenCount < prompt.Length)
            {
                int count = Math.Min(cache.TokensToPageBorder, prompt.Length - cache.TokenCount);
                Model.Forward(new ForwardStep(prompt.AsMemory(cache.TokenCount, count), cache)).Dispose();
            }
        }
    }

    /// <summary>One token of each conversation, together: their logits.</summary>
    public float[][] Step(int[] tokens)
    {
        float[][] logits = [.. tokens.Select(_ => new float[Model.Config.VocabularySize])];
        Assert.All(Run([.. tokens.Select((token, i) => new DecodeInput(token, Caches[i], logits[i]))]), Assert.Null);
        return logits;
    }

    public Exception?[] Run(DecodeInput[] inputs)
    {
        var failures = new Exception?[inputs.Length];
        Model.Decode(inputs, failures);
        return failures;
    }

    public void Dispose()
    {
        Caches.ForEach(cache => cache.Dispose());
        Factory.Dispose();
        Model.Dispose();
    }
}
