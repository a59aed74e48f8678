using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Attention;

/// <summary>
/// The oracle: plain Torch operations in float32, part by part, merged by log-sum-exp. Sealed pages are dequantized one at a time;
/// no dequantized copy of the history is held. Every faster kernel is tested against this one.
/// </summary>
internal sealed class ReferenceAttention : IAttentionKernel
{
    /// <inheritdoc/>
    public Tensor Attend(Tensor queries, CacheView view, float scale)
    {
        CacheGeometry geometry = view.Layout.Geometry;
        int tokens = (int)queries.shape[0];
        using IDisposable noGradients = no_grad();
        using DisposeScope scope = NewDisposeScope();
        using Scalar factor = scale;

        // Query heads of one KV head become further rows of its queries: [kvHeads, group * tokens, headDim].
        Tensor grouped = queries.to(ScalarType.Float32)
            .reshape(tokens, geometry.KeyValueHeadCount, geometry.GroupSize, geometry.HeadDim).permute(1, 2, 0, 3)
            .reshape(geometry.KeyValueHeadCount, geometry.GroupSize * tokens, geometry.HeadDim).mul(factor);
        AttentionState? state = AttendDense(grouped, view.Sinks, 0, view.TokenCount - tokens, tokens);
        if (view.Pages.Count > 0)
        {
            var pages = new PageDequantizer(view.Layout);
            foreach (Page page in view.Pages)
            {
                using DisposeScope pageScope = NewDisposeScope();
                (Tensor keys, Tensor values, Tensor keyVariances) = pages.Dequantize(page, view.Layer, geometry.Device);
                Tensor? bias = view.Layout.CorrectsKeyBias ? matmul(grouped.mul(grouped), keyVariances).mul_(Scalars.Half) : null;
                state = Join(state, AttendPart(grouped, keys, values, null, bias));
                state?.Output.MoveToOuterDisposeScope();
                state?.LogSumExp.MoveToOuterDisposeScope();
            }
        }

        state = Join(state, AttendDense(grouped, view.Tail, view.TailStart, view.TokenCount - tokens, tokens));
        Tensor output = (state ?? throw new ArgumentException("The view holds no token; append the step's tokens before attending.", nameof(view))).Output
            .reshape(geometry.KeyValueHeadCount, geometry.GroupSize, tokens, geometry.HeadDim).permute(2, 0, 1, 3)
            .reshape(tokens, geometry.QueryHeadCount, geometry.HeadDim);
        return output.to(queries.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Attention over the rows in use of sinks or tail, masked where the step's own tokens would look ahead. Null where there is no row.</summary>
    private static AttentionState? AttendDense(Tensor queries, DensePart part, int partStart, int firstQuery, int tokens)
    {
        if (part.Count == 0)
        {
            return null;
        }

        Tensor keys = part.Keys.narrow(1, 0, part.Count).to(ScalarType.Float32);
        Tensor values = part.Values.narrow(1, 0, part.Count).to(ScalarType.Float32);
        if (partStart + part.Count <= firstQuery + 1)
        {
            return AttendPart(queries, keys, values, null, null);
        }

        Tensor queryPositions = Positions(firstQuery, tokens, queries.device).unsqueeze(1);
        Tensor hidden = Positions(partStart, part.Count, queries.device).unsqueeze(0) > queryPositions;
        return AttendPart(queries, keys, values, hidden.repeat(queries.shape[1] / tokens, 1), null);
    }

    /// <summary>
    /// Attention of [kvHeads, queries, headDim] over [kvHeads, keys, headDim], without what <paramref name="hidden"/>, [queries, keys], marks,
    /// and with <paramref name="bias"/>, [kvHeads, queries, 1], taken off the logits.
    /// </summary>
    private static AttentionState AttendPart(Tensor queries, Tensor keys, Tensor values, Tensor? hidden, Tensor? bias)
    {
        Tensor logits = matmul(queries, keys.transpose(1, 2));
        if (bias is not null)
        {
            logits = logits.sub_(bias);
        }

        if (hidden is not null)
        {
            logits = logits.masked_fill_(hidden, Scalars.NegativeInfinity);
        }

        Tensor largest = logits.amax([-1], keepdim: true).nan_to_num_(neginf: 0);
        Tensor weights = logits.sub_(largest).exp_();
        Tensor sum = weights.sum(-1, keepdim: true);
        return new AttentionState(matmul(weights, values).div_(sum.clamp_min(AttentionState.SmallestSum)), sum.log().add_(largest, Scalars.One));
    }

    private static Tensor Positions(int first, int count, Device device)
    {
        using Scalar start = first, end = first + count;
        return arange(start, end, device: device);
    }

    /// <summary>Merges what there is; merged states are disposed.</summary>
    private static AttentionState? Join(AttentionState? state, AttentionState? part)
    {
        if (state is null || part is null)
        {
            return state ?? part;
        }

        using (state)
        using (part)
        {
            return AttentionState.Merge(state, part);
        }
    }
}
