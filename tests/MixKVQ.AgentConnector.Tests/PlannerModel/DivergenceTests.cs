using TorchSharp;
using TrainPlannerModel.Evaluation;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.PlannerModel;

public sealed class DivergenceTests
{
    [Fact]
    public void EqualDistributions_HaveNoDivergence_AndAgree()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = tensor(new float[] { 1, 2, 3, 0.5f }, [2, 2]);
        Divergence divergence = new();
        divergence.Add(logits, logits + 7);
        Assert.Equal(0, divergence.Mean, 6);
        Assert.Equal(1, divergence.GreedyAgreement);
        Assert.Equal(2, divergence.PositionCount);
    }

    [Fact]
    public void Divergence_IsThatOfTheReferenceFromTheOther()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor reference = tensor(new[] { MathF.Log(0.75f), MathF.Log(0.25f) }, [1, 2]);
        Tensor other = tensor(new[] { MathF.Log(0.25f), MathF.Log(0.75f) }, [1, 2]);
        Divergence divergence = new();
        divergence.Add(reference, other);
        Assert.Equal(0.5 * Math.Log(3), divergence.Mean, 5);
        Assert.Equal(0, divergence.GreedyAgreement);
    }
}
