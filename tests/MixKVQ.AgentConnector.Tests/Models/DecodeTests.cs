using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Tests.Cache;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Models;

public sealed class DecodeTests
{
    private const int Vocabulary = 48;

    [Theory]
    [InlineData(ScalarType.Float32, WeightPrecision.Checkpoint)]
    [InlineData(ScalarType.BFloat16, WeightPrecision.Checkpoint)]
    [InlineData(ScalarType.BFloat16, WeightPrecision.EightBit)]
    public void AConversation_GetsTheSameBitsAloneAndInABatch(ScalarType dtype, WeightPrecision precision)
    {
        using var tiny = new TinyModel("""{ "model_type": "qwen3", "head_dim": 16 }""");
        using DecoderModel model = DecoderModel.Load(tiny.Folder, CPU, dtype, precision: precision);
        using var factory = new KvCacheFactory(model.CacheGeometry, new KvCacheOptions { Policy = KvCachePolicy.Uniform4 });
        // Empty, within the sinks, at their end, in a page, and about to seal one.
        int[] lengths = [0, 3, 31, 158, 200, 286];
        KvCache[] alone = [.. lengths.Select(length => Filled(model, factory, tiny.Tokens(length)))];
        KvCache[] together = [.. lengths.Select(length => Filled(model, factory, tiny.Tokens(length)))];
        for (int step = 0; step < 5; step++)
        {
            float[][] expected = [.. alone.Select((cache, i) => Step(model, cache, 7 * i + step))];
            float[][] actual = [.. together.Select(_ => new float[Vocabulary])];
            Exception?[] failures = new Exception?[lengths.Length];
            model.Decode([.. together.Select((cache, i) => new DecodeInput(7 * i + step, cache, actual[i]))], failures);
            Assert.All(failures, Assert.Null);
            Assert.Equal(expected, actual);
        }

        for (int i = 0; i < lengths.Length; i++)
        {
            CacheContent.AssertSame(alone[i], together[i], model.Config.LayerCount);
            alone[i].Dispose();
            together[i].Dispose();
        }
    }

    [Fact]
    public void AFailure_IsItsConversationsAlone()
    {
        using var tiny = new TinyModel("{}");
        using DecoderModel model = DecoderModel.Load(tiny.Folder, CPU, null);
        using var factory = new KvCacheFactory(model.CacheGeometry, new KvCacheOptions { Policy = KvCachePolicy.Uniform4 });
        using KvCache healthy = Filled(model, factory, tiny.Tokens(159)), reference = Filled(model, factory, tiny.Tokens(159)), other = Filled(model, factory, tiny.Tokens(40));
        using KvCache poisoned = Filled(model, factory, tiny.Tokens(32));
        Poison(model, poisoned);
        KvCache disposed = factory.Create();
        disposed.Dispose();
        float[] logits = new float[Vocabulary];
        Exception?[] failures = new Exception?[4];

        model.Decode([new(1, disposed, default), new(2, healthy, logits), new(3, poisoned, default), new(4, other, default)], failures);

        Assert.IsType<ObjectDisposedException>(failures[0]);
        Assert.Null(failures[1]);
        Assert.IsType<ArithmeticException>(failures[2]);
        Assert.Null(failures[3]);
        Assert.Equal(Step(model, reference, 2), logits);
        CacheContent.AssertSame(reference, healthy, model.Config.LayerCount);
        Assert.Equal(41, other.TokenCount);
    }

    [Fact]
    public void Logits_AreWrittenAsFarAsThereIsRoom()
    {
        using var tiny = new TinyModel("{}");
        using DecoderModel model = DecoderModel.Load(tiny.Folder, CPU, null);
        using KvCacheFactory factory = DecoderRun.FullPrecision(model);
        using KvCache first = factory.Create(), second = factory.Create(), third = factory.Create(), fourth = factory.Create();
        float[] all = new float[Vocabulary], some = new float[10], more = new float[Vocabulary + 5];
        model.Decode([new(5, first, all), new(5, second, some), new(5, third, default), new(5, fourth, more)], new Exception?[4]);
        Assert.Equal(all[..10], some);
        Assert.Equal([.. all, 0, 0, 0, 0, 0], more);
        Assert.Equal(1, third.TokenCount);
    }

    [Fact]
    public void AnIdOutsideTheVocabulary_IsRefusedBeforeAnythingIsDone()
    {
        using var tiny = new TinyModel("{}");
        using DecoderModel model = DecoderModel.Load(tiny.Folder, CPU, null);
        using KvCacheFactory factory = DecoderRun.FullPrecision(model);
        using KvCache first = factory.Create(), second = factory.Create();
        Assert.Throws<ArgumentException>(() => model.Decode([new(5, first, default), new(Vocabulary, second, default)], new Exception?[2]));
        Assert.Equal((0, 0), (first.TokenCount, second.TokenCount));
    }

    [Theory]
    [InlineData(WeightPrecision.Checkpoint)]
    [InlineData(WeightPrecision.EightBit)]
    public void AStepThatSealsNoPage_AllocatesNothingAndMakesNoTensor(WeightPrecision precision)
    {
        using var tiny = new TinyModel("""{ "model_type": "qwen3", "head_dim": 16 }""");
        using DecoderModel model = DecoderModel.Load(tiny.Folder, CPU, ScalarType.BFloat16, precision: precision);
        using var factory = new KvCacheFactory(model.CacheGeometry, new KvCacheOptions { Policy = KvCachePolicy.Uniform4 });
        using KvCache first = Filled(model, factory, tiny.Tokens(170)), second = Filled(model, factory, tiny.Tokens(20));
        DecodeInput[] inputs = [new(1, first, new float[Vocabulary]), new(2, second, new float[Vocabulary])];
        Exception?[] failures = new Exception?[2];
        long tensors = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        // Scratch memory is taken where a thread first does its share of something: in some round there is nothing left to take.
        long[] bytes = [.. Enumerable.Range(0, 5).Select(_ =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int step = 0; step < 20; step++)
            {
                model.Decode(inputs, failures);
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        })];

        Assert.Contains(0, bytes);
        Assert.Equal(tensors, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.All(failures, Assert.Null);
    }

    private static KvCache Filled(DecoderModel model, KvCacheFactory factory, int[] tokens)
    {
        KvCache cache = factory.Create();
        while (cache.TokenCount < tokens.Length)
        {
            int count = Math.Min(cache.TokensToPageBorder, tokens.Length - cache.TokenCount);
            model.Forward(new ForwardStep(tokens.AsMemory(cache.TokenCount, count), cache)).Dispose();
        }

        return cache;
    }

    // A page that is full but for one token, with a NaN in it: sealing it fails.
    private static void Poison(DecoderModel model, KvCache cache)
    {
        CacheGeometry geometry = model.CacheGeometry;
        using var scope = NewDisposeScope();
        for (int layer = 0; layer < geometry.LayerCount; layer++)
        {
            Tensor keys = ones(127, geometry.KeyValueHeadCount, geometry.HeadDim);
            keys[5, 0, 3] = float.NaN;
            cache.Layer(layer).Append(ones(127, geometry.QueryHeadCount, geometry.HeadDim), keys, ones(127, geometry.KeyValueHeadCount, geometry.HeadDim), null);
        }

        cache.CompleteStep();
    }

    private static float[] Step(DecoderModel model, KvCache cache, int token)
    {
        float[] logits = new float[Vocabulary];
        Exception?[] failures = new Exception?[1];
        model.Decode([new DecodeInput(token, cache, logits)], failures);
        Assert.Null(failures[0]);
        return logits;
    }
}
