using TorchSharp;
using static TorchSharp.torch;

namespace TrainPlannerModel.Training;

/// <summary>The training forward pass: bf16 products on a float32 residual stream, attention in causal blocks of queries.</summary>
internal sealed class TrainingForward(PlannerShape shape, PlannerParameters parameters)
{
    private const int QueryBlock = 256;

    private readonly Tensor _mask = full(QueryBlock, QueryBlock, float.NegativeInfinity).triu(1).to(bfloat16).DetachFromDisposeScope();
    private readonly double _scale = 1 / Math.Sqrt(shape.HeadDim);

    /// <summary>Mean cross entropy of the target tokens.</summary>
    /// <param name="ids">[sequences, tokens], int64.</param>
    /// <param name="positions">[sequences, tokens], float32.</param>
    /// <param name="targetRows">Rows of the flattened batch whose next token is a target, int64.</param>
    /// <param name="targets">Those next tokens, int64.</param>
    public (Tensor Loss, Tensor Correct) Loss(Tensor ids, Tensor positions, Tensor targetRows, Tensor targets)
    {
        long batch = ids.shape[0];
        long tokens = ids.shape[1];
        (Tensor cos, Tensor sin) = Rotation(positions);
        Tensor embedding = parameters["model.embed_tokens.weight"];
        Tensor x = embedding.index_select(0, ids.reshape(-1));
        for (int layer = 0; layer < shape.LayerCount; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            x += Attend(Normalize(x, prefix + "input_layernorm.weight").to(bfloat16), prefix + "self_attn.", batch, tokens, cos, sin);
            Tensor h = Normalize(x, prefix + "post_attention_layernorm.weight").to(bfloat16);
            Tensor gated = nn.functional.silu(Project(h, prefix + "mlp.gate_proj.weight")) * Project(h, prefix + "mlp.up_proj.weight");
            x += Project(gated, prefix + "mlp.down_proj.weight");
        }

        Tensor last = Normalize(x.index_select(0, targetRows), "model.norm.weight").to(bfloat16);
        Tensor logits = matmul(last, embedding.to(bfloat16).t()).to(float32);
        Tensor correct = logits.detach().argmax(1).eq(targets);
        return (nn.functional.cross_entropy(logits, targets), correct);
    }

    private Tensor Attend(Tensor h, string prefix, long batch, long tokens, Tensor cos, Tensor sin)
    {
        int kvHeads = shape.KeyValueHeadCount;
        int group = shape.QueryHeadCount / kvHeads;
        Tensor queries = Rotate(Heads("q", shape.QueryHeadCount), cos, sin).to(bfloat16).reshape(batch, tokens, kvHeads, group, shape.HeadDim).permute(0, 2, 3, 1, 4);
        Tensor keys = Rotate(Heads("k", kvHeads), cos, sin).to(bfloat16).permute(0, 2, 3, 1).contiguous();
        Tensor values = Project(h, prefix + "v_proj.weight").reshape(batch, tokens, kvHeads, shape.HeadDim).permute(0, 2, 1, 3).contiguous();
        List<Tensor> outputs = [];
        for (long first = 0; first < tokens; first += QueryBlock)
        {
            long end = Math.Min(tokens, first + QueryBlock);
            long rows = end - first;
            Tensor block = queries.narrow(3, first, rows).reshape(batch * kvHeads, group * rows, shape.HeadDim) * _scale;
            Tensor scores = bmm(block, keys.narrow(3, 0, end).reshape(batch * kvHeads, shape.HeadDim, end)).reshape(batch, kvHeads, group, rows, end);
            Tensor diagonal = scores.narrow(4, first, rows) + _mask.narrow(0, 0, rows).narrow(1, 0, rows);
            scores = first == 0 ? diagonal : cat([scores.narrow(4, 0, first), diagonal], 4);
            Tensor weights = nn.functional.softmax(scores, 4).reshape(batch * kvHeads, group * rows, end);
            Tensor output = bmm(weights, values.narrow(2, 0, end).reshape(batch * kvHeads, end, shape.HeadDim));
            outputs.Add(output.reshape(batch, kvHeads, group, rows, shape.HeadDim));
        }

        Tensor merged = cat([.. outputs], 3).permute(0, 3, 1, 2, 4).reshape(batch * tokens, shape.QueryHeadCount * shape.HeadDim);
        return Project(merged, prefix + "o_proj.weight");

        Tensor Heads(string name, int count) =>
            Normalize(Project(h, $"{prefix}{name}_proj.weight").to(float32).reshape(batch, tokens, count, shape.HeadDim), $"{prefix}{name}_norm.weight");
    }

    private Tensor Project(Tensor h, string name) => matmul(h, parameters[name].to(bfloat16).t());

    private Tensor Normalize(Tensor x, string name) =>
        x * x.square().mean([-1L], true).add(shape.RmsNormEpsilon).rsqrt() * parameters[name];

    private (Tensor Cos, Tensor Sin) Rotation(Tensor positions)
    {
        Tensor frequencies = pow(shape.RopeTheta, arange(0, shape.HeadDim, 2, float32) / -shape.HeadDim);
        Tensor angles = positions.unsqueeze(-1) * frequencies;
        angles = cat([angles, angles], -1).unsqueeze(2);
        return (angles.cos(), angles.sin());
    }

    private static Tensor Rotate(Tensor heads, Tensor cos, Tensor sin)
    {
        Tensor[] halves = heads.chunk(2, -1);
        return (heads * cos) + (cat([-halves[1], halves[0]], -1) * sin);
    }
}
