using MixKVQ.AgentConnector.Attention;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Tests.Attention;

public sealed class AttentionStateTests
{
    [Fact]
    public void Merge_IsAssociativeAndCommutative()
    {
        using var scope = NewDisposeScope();
        AttentionState[] states = [State(1, 0), State(2, 30), State(3, -80)];
        AttentionState leftFirst = AttentionState.Merge(AttentionState.Merge(states[0], states[1]), states[2]);
        AttentionState rightFirst = AttentionState.Merge(states[0], AttentionState.Merge(states[1], states[2]));
        AttentionState turned = AttentionState.Merge(states[2], AttentionState.Merge(states[1], states[0]));
        AssertClose(leftFirst, rightFirst);
        AssertClose(leftFirst, turned);
    }

    [Fact]
    public void Merge_OfTwoPartsIsAttentionOverBoth()
    {
        using var scope = NewDisposeScope();
        using Scalar four = 4f;
        Tensor logits = randn(2, 3, 10).mul(four);
        Tensor values = randn(2, 10, 8);
        AttentionState whole = Over(logits, values);
        AttentionState merged = AttentionState.Merge(
            Over(logits.narrow(2, 0, 3), values.narrow(1, 0, 3)), Over(logits.narrow(2, 3, 7), values.narrow(1, 3, 7)));
        AssertClose(whole, merged);
    }

    [Fact]
    public void Merge_WithAPartThatAQueryDoesNotSeeChangesNothing()
    {
        using var scope = NewDisposeScope();
        AttentionState state = State(1, 5);
        AttentionState unseen = new(zeros_like(state.Output), full_like(state.LogSumExp, float.NegativeInfinity));
        AssertClose(state, AttentionState.Merge(unseen, state));
        AttentionState nothing = AttentionState.Merge(unseen, unseen);
        Assert.All(AttentionCheck.ToArray(nothing.Output), x => Assert.Equal(0, x));
        Assert.All(AttentionCheck.ToArray(nothing.LogSumExp), x => Assert.True(float.IsNegativeInfinity(x)));
    }

    private static AttentionState State(int seed, float level)
    {
        using var generator = new Generator((ulong)seed);
        using Scalar added = level;
        return new AttentionState(randn([2, 3, 8], generator: generator), randn([2, 3, 1], generator: generator).add(added));
    }

    private static AttentionState Over(Tensor logits, Tensor values) => new(matmul(logits.softmax(-1), values), logits.logsumexp(-1, keepdim: true));

    private static void AssertClose(AttentionState expected, AttentionState actual)
    {
        Assert.True(expected.Output.allclose(actual.Output, 1e-5, 1e-6));
        Assert.True(expected.LogSumExp.allclose(actual.LogSumExp, 1e-5, 1e-6));
    }
}
