using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Attention;

/// <summary>
/// Attention over a part of the history: the output normalized over this part, and the log-sum-exp of its logits. States of disjoint parts merge, in any order,
/// into the state of their union; that joins sinks, pages and tail. A query that sees no token of the part has output 0 and log-sum-exp −∞.
/// </summary>
/// <param name="Output">[kvHeads, queries, headDim], float32; owned by this state.</param>
/// <param name="LogSumExp">[kvHeads, queries, 1], float32; owned by this state.</param>
internal sealed record AttentionState(Tensor Output, Tensor LogSumExp) : IDisposable
{
    /// <summary>What a sum of exponentials is divided by at least, so that a query that sees nothing gets 0. Any other sum is at least 1: the largest logit counts e^0.</summary>
    public static readonly Scalar SmallestSum = 1e-30f;

    /// <summary>The state of the union of two disjoint parts: o = (o₁·e^l₁ + o₂·e^l₂) / (e^l₁ + e^l₂), l = log(e^l₁ + e^l₂). A new state; both stay as they are.</summary>
    public static AttentionState Merge(AttentionState first, AttentionState second)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor largest = maximum(first.LogSumExp, second.LogSumExp).nan_to_num(neginf: 0);
        Tensor firstWeight = first.LogSumExp.sub(largest).exp_();
        Tensor secondWeight = second.LogSumExp.sub(largest).exp_();
        Tensor sum = firstWeight.add(secondWeight, Scalars.One);
        Tensor output = (first.Output * firstWeight).addcmul_(second.Output, secondWeight, Scalars.One).div_(sum.clamp_min(SmallestSum));
        return new AttentionState(output.MoveToOuterDisposeScope(), sum.log().add_(largest, Scalars.One).MoveToOuterDisposeScope());
    }

    /// <summary>Frees both tensors.</summary>
    public void Dispose()
    {
        Output.Dispose();
        LogSumExp.Dispose();
    }
}
