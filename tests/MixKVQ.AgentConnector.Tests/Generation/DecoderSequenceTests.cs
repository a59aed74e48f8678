using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Generation;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Sampling;
using MixKVQ.AgentConnector.Tests.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Generation;

public class DecoderSequenceTests
{
    [Theory]
    [InlineData(KvCachePolicy.FullPrecision)]
    [InlineData(KvCachePolicy.Uniform4)]
    public async Task Generation_IsWhatForwardPassesGive(KvCachePolicy policy)
    {
        using TinyModel tiny = new("{}");
        using DecoderModel model = DecoderModel.Load(tiny.Folder, CPU, null);
        using KvCacheFactory factory = new(model.CacheGeometry, new KvCacheOptions { Policy = policy });
        int[] prompt = tiny.Tokens(300);
        List<int> expected = GenerateByForwardPasses(model, factory, prompt, 20);

        await using InferenceEngine engine = new();
        using KvCache cache = factory.Create();
        DecoderSequence sequence = new(model, cache);
        List<int> first = await Generate(engine, new(sequence, prompt, default, SamplingOptions.Greedy, 8, [], 512));
        int[] context = [.. prompt, .. first[..^1]];
        List<int> second = await Generate(engine, new(sequence, first[^1..].ToArray(), context, SamplingOptions.Greedy, 12, [], 512));

        Assert.Equal(expected, [.. first, .. second]);
        Assert.Equal(319, cache.TokenCount);
    }

    [Fact]
    public async Task ConcurrentConversations_EachGenerateAsAlone()
    {
        using TinyModel tiny = new("{}");
        using DecoderModel model = DecoderModel.Load(tiny.Folder, CPU, null);
        using KvCacheFactory factory = new(model.CacheGeometry, new KvCacheOptions { Policy = KvCachePolicy.FullPrecision });
        await using InferenceEngine engine = new();
        DecoderBatch batch = new(model);
        int[][] prompts = [.. Enumerable.Range(0, 4).Select(seed => tiny.Tokens(150 + (20 * seed), seed))];

        List<int>[] generated = await Task.WhenAll(prompts.Select(prompt => GenerateAlone(prompt)));

        for (int i = 0; i < prompts.Length; i++)
        {
            Assert.Equal(GenerateByForwardPasses(model, factory, prompts[i], 30), generated[i]);
        }

        factory.Pool.CheckIntegrity();
        Assert.Equal(0, factory.Pool.LivePageCount);

        async Task<List<int>> GenerateAlone(int[] prompt)
        {
            using KvCache cache = factory.Create();
            return await Generate(engine, new(new DecoderSequence(model, cache, batch: batch), prompt, default, SamplingOptions.Greedy, 30, [], 512));
        }
    }

    [Fact]
    public void Append_LeavesNoTensorBehind()
    {
        using TinyModel tiny = new("{}");
        using DecoderModel model = DecoderModel.Load(tiny.Folder, CPU, null);
        using KvCacheFactory factory = new(model.CacheGeometry, new KvCacheOptions { Policy = KvCachePolicy.FullPrecision });
        using KvCache cache = factory.Create();
        DecoderSequence sequence = new(model, cache);
        float[] logits = new float[sequence.VocabularySize];
        sequence.Append(tiny.Tokens(10), logits);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        sequence.Append(tiny.Tokens(20), []);
        sequence.Append(tiny.Tokens(1), logits);

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.Equal(31, sequence.TokenCount);
    }

    private static List<int> GenerateByForwardPasses(DecoderModel model, KvCacheFactory factory, int[] prompt, int count)
    {
        using KvCache cache = factory.Create();
        List<int> tokens = [];
        ReadOnlyMemory<int> next = prompt;
        while (tokens.Count < count)
        {
            int length = Math.Min(next.Length, cache.TokensToPageBorder);
            using Tensor logits = model.Forward(new ForwardStep(next[..length], cache));
            next = next[length..];
            if (next.IsEmpty)
            {
                using Tensor best = logits.argmax();
                tokens.Add((int)best.item<long>());
                next = new[] { tokens[^1] };
            }
        }

        return tokens;
    }

    private static async Task<List<int>> Generate(InferenceEngine engine, GenerationRequest request)
    {
        List<int> tokens = [];
        await foreach (GeneratedToken token in engine.GenerateAsync(request, TestContext.Current.CancellationToken))
        {
            tokens.Add(token.Id);
        }

        return tokens;
    }
}
