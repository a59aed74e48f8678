using TorchSharp;
using TrainPlannerModel.Training;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.PlannerModel;

public sealed class TrainingTests : IDisposable
{
    private static readonly PlannerShape Shape = new(VocabularySize: 300);

    private readonly string _folder = Directory.CreateTempSubdirectory("mixkvq-training-").FullName;
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void UntrainedModel_ContinuesASequenceThatRepeats()
    {
        using IDisposable noGrad = no_grad();
        long[] once = randint(0, Shape.VocabularySize, [60], generator: new Generator(5)).data<long>().ToArray();
        long[] twice = [.. once, .. once];
        (_, Tensor correct) = Loss(new PlannerParameters(Shape, seed: 3), twice, firstTarget: once.Length + 2);
        Assert.True(correct.to(float32).mean().item<float>() > 0.5f, $"Share of right tokens: {correct.to(float32).mean().item<float>()}");
    }

    [Fact]
    public void SameSeed_StartsWithTheSameWeights()
    {
        PlannerParameters first = new(Shape, seed: 9);
        PlannerParameters second = new(Shape, seed: 9);
        Assert.All(first.ByName, pair => Assert.True(pair.Value.eq(second[pair.Key]).all().item<bool>(), pair.Key));
    }

    [Fact]
    public void Steps_LowerTheLoss_AndACheckpointRestoresThemExactly()
    {
        long[] tokens = [.. Enumerable.Range(0, 90).Select(i => (long)(i * i % 97))];
        PlannerParameters parameters = new(Shape, seed: 1);
        MuonAdam optimizer = new(parameters);
        float before = Step(parameters, optimizer, tokens, 0);
        for (int step = 1; step < 6; step++)
        {
            Step(parameters, optimizer, tokens, step);
        }

        new Checkpoint(_folder).Save(parameters, optimizer, 6, 1234);
        PlannerParameters restored = new(Shape, seed: 2);
        MuonAdam restoredOptimizer = new(restored);
        Assert.Equal((6, 1234L), new Checkpoint(_folder).Load(restored, restoredOptimizer));
        float after = Step(parameters, optimizer, tokens, 6);
        Assert.True(after < before, $"{after} is not below {before}.");
        Assert.Equal(after, Step(restored, restoredOptimizer, tokens, 6));
        Assert.All(parameters.ByName, pair => Assert.True(pair.Value.eq(restored[pair.Key]).all().item<bool>(), pair.Key));
    }

    [Fact]
    public void FolderWithoutCheckpoint_StartsAtZero()
    {
        PlannerParameters parameters = new(Shape, seed: 1);
        Assert.Equal((0, 0L), new Checkpoint(Path.Combine(_folder, "none")).Load(parameters, new MuonAdam(parameters)));
    }

    private static float Step(PlannerParameters parameters, MuonAdam optimizer, long[] tokens, int step)
    {
        (Tensor loss, _) = Loss(parameters, tokens, firstTarget: 1);
        loss.backward();
        optimizer.Step(step, rate: 0.2);
        return loss.item<float>();
    }

    private static (Tensor Loss, Tensor Correct) Loss(PlannerParameters parameters, long[] tokens, int firstTarget) => new TrainingForward(Shape, parameters).Loss(
        tensor(tokens, [1, tokens.Length]),
        arange(tokens.Length, dtype: float32).unsqueeze(0),
        arange(firstTarget - 1, tokens.Length - 1, dtype: int64),
        tensor(tokens[firstTarget..]));
}
