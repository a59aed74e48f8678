using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Tokens;
using TorchSharp;
using TrainPlannerModel.Export;
using TrainPlannerModel.Training;
using TrainPlannerModel.Vocabulary;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.PlannerModel;

public sealed class ExportedModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mixkvq-export-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ExportedModel_GivesTheLossThatTrainingSaw()
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        JsonObject vocabulary = PlannerVocabulary.Build(["There are 12 bolts. I ask Store-stock for copper."]);
        ModelTokenizer tokenizer = ModelFolder.WriteTokenizer(_folder, vocabulary);
        PlannerShape shape = new(tokenizer.VocabularySize);
        PlannerParameters parameters = new(shape, seed: 4);
        ModelFolder.Write(_folder, shape, tokenizer, parameters);
        int[] tokens = tokenizer.Encode(string.Concat(Enumerable.Repeat("There are 12 bolts. I ask Store-stock for copper. There are 7 bolts. ", 12)));
        float trained = TrainingLoss(shape, parameters, tokens);

        using DecoderModel model = DecoderModel.Load(_folder, CPU, null);
        using KvCacheFactory factory = new(model.CacheGeometry, new KvCacheOptions { Policy = KvCachePolicy.FullPrecision });
        using KvCache cache = factory.Create();
        List<Tensor> logits = [];
        for (int start = 0; start < tokens.Length;)
        {
            int count = Math.Min(tokens.Length - start, cache.TokensToPageBorder);
            logits.Add(model.Forward(new ForwardStep(tokens.AsMemory(start, count), cache, AllLogits: true)));
            start += count;
        }

        Tensor next = tensor(tokens[1..].Select(id => (long)id).ToArray());
        float exported = nn.functional.cross_entropy(cat(logits).narrow(0, 0, tokens.Length - 1), next).item<float>();
        Assert.InRange(exported, trained - 0.02f, trained + 0.02f);
    }

    private static float TrainingLoss(PlannerShape shape, PlannerParameters parameters, int[] tokens) => new TrainingForward(shape, parameters).Loss(
        tensor(tokens.Select(id => (long)id).ToArray(), [1, tokens.Length]),
        arange(tokens.Length, dtype: float32).unsqueeze(0),
        arange(0, tokens.Length - 1, dtype: int64),
        tensor(tokens[1..].Select(id => (long)id).ToArray())).Loss.item<float>();
}
