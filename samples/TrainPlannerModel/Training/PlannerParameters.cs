using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TrainPlannerModel.Training;

/// <summary>The trained weights in float32, by their Hugging Face names.</summary>
internal sealed class PlannerParameters
{
    private readonly Dictionary<string, Parameter> _byName = [];

    /// <summary>Starting weights: random ones in which the remaining heads look at equal tokens and write nothing yet, over them a <see cref="CopyingStart"/>.</summary>
    public PlannerParameters(PlannerShape shape, long seed)
    {
        using IDisposable noGrad = no_grad();
        using Generator generator = new((ulong)seed);
        CopyingStart start = new(shape, generator);
        int hidden = shape.HiddenSize;
        int group = shape.QueryHeadCount / shape.KeyValueHeadCount;
        double deviation = 1 / Math.Sqrt(hidden);
        Add("model.embed_tokens.weight", start.Embedding());
        Add("model.norm.weight", ones(hidden));
        for (int layer = 0; layer < shape.LayerCount; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            Tensor keys = deviation * randn([shape.KeyValueHeadCount, shape.HeadDim, hidden], generator: generator);
            Tensor queries = keys.repeat_interleave(group, 0) + (0.3 * deviation * randn([shape.QueryHeadCount, shape.HeadDim, hidden], generator: generator));
            Tensor values = deviation * randn([shape.KeyValueHeadCount, shape.HeadDim, hidden], generator: generator);
            Tensor outputs = zeros(hidden, shape.QueryHeadCount, shape.HeadDim);
            start.Write(layer, new Dictionary<string, Tensor> { ["q"] = queries, ["k"] = keys, ["v"] = values, ["o"] = outputs });
            Add(prefix + "input_layernorm.weight", ones(hidden));
            Add(prefix + "post_attention_layernorm.weight", ones(hidden));
            Add(prefix + "self_attn.q_norm.weight", CopyingStart.HeadNorm(layer) * ones(shape.HeadDim));
            Add(prefix + "self_attn.k_norm.weight", CopyingStart.HeadNorm(layer) * ones(shape.HeadDim));
            Add(prefix + "self_attn.q_proj.weight", queries.reshape(-1, hidden));
            Add(prefix + "self_attn.k_proj.weight", keys.reshape(-1, hidden));
            Add(prefix + "self_attn.v_proj.weight", values.reshape(-1, hidden));
            Add(prefix + "self_attn.o_proj.weight", outputs.reshape(hidden, -1));
            Add(prefix + "mlp.gate_proj.weight", deviation * randn([shape.IntermediateSize, hidden], generator: generator));
            Add(prefix + "mlp.up_proj.weight", deviation * randn([shape.IntermediateSize, hidden], generator: generator));
            Add(prefix + "mlp.down_proj.weight", zeros(hidden, shape.IntermediateSize));
        }
    }

    public IReadOnlyDictionary<string, Parameter> ByName => _byName;

    public Parameter this[string name] => _byName[name];

    private void Add(string name, Tensor value) => _byName.Add(name, new Parameter(value.to(float32).contiguous().detach().clone(), requires_grad: true));
}
