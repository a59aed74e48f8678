using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TrainPlannerModel.Training;

/// <summary>The trained weights in float32, by their Hugging Face names.</summary>
internal sealed class PlannerParameters
{
    private readonly Dictionary<string, Parameter> _byName = [];

    /// <summary>
    /// Random weights with a start that favours copying: keys begin as the queries of their group, so that heads look at equal
    /// tokens, and output projections begin at zero.
    /// </summary>
    public PlannerParameters(PlannerShape shape, long seed)
    {
        random.manual_seed(seed);
        int hidden = shape.HiddenSize;
        int group = shape.QueryHeadCount / shape.KeyValueHeadCount;
        Add("model.embed_tokens.weight", 0.05 * randn(shape.VocabularySize, hidden));
        Add("model.norm.weight", ones(hidden));
        for (int layer = 0; layer < shape.LayerCount; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            Tensor keys = randn(shape.KeyValueHeadCount, shape.HeadDim, hidden) / Math.Sqrt(hidden);
            Tensor queries = keys.repeat_interleave(group, 0) + (0.3 * randn(shape.QueryHeadCount, shape.HeadDim, hidden) / Math.Sqrt(hidden));
            Add(prefix + "input_layernorm.weight", ones(hidden));
            Add(prefix + "post_attention_layernorm.weight", ones(hidden));
            Add(prefix + "self_attn.q_norm.weight", 1.5 * ones(shape.HeadDim));
            Add(prefix + "self_attn.k_norm.weight", 1.5 * ones(shape.HeadDim));
            Add(prefix + "self_attn.q_proj.weight", queries.reshape(-1, hidden));
            Add(prefix + "self_attn.k_proj.weight", keys.reshape(-1, hidden));
            Add(prefix + "self_attn.v_proj.weight", randn(shape.KeyValueHeadCount * shape.HeadDim, hidden) / Math.Sqrt(hidden));
            Add(prefix + "self_attn.o_proj.weight", zeros(hidden, shape.QueryHeadCount * shape.HeadDim));
            Add(prefix + "mlp.gate_proj.weight", randn(shape.IntermediateSize, hidden) / Math.Sqrt(hidden));
            Add(prefix + "mlp.up_proj.weight", randn(shape.IntermediateSize, hidden) / Math.Sqrt(hidden));
            Add(prefix + "mlp.down_proj.weight", zeros(hidden, shape.IntermediateSize));
        }
    }

    public IReadOnlyDictionary<string, Parameter> ByName => _byName;

    public Parameter this[string name] => _byName[name];

    private void Add(string name, Tensor value) => _byName.Add(name, new Parameter(value.to(float32).contiguous().detach().clone()));
}
