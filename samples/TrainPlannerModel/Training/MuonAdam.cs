using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TrainPlannerModel.Training;

/// <summary>
/// Muon (Jordan et al., 2024) for the matrices of the layers, AdamW for norms and the embedding. Matrices of one kind are
/// orthogonalized in one batch.
/// </summary>
internal sealed class MuonAdam
{
    private const double MuonRate = 0.012;
    private const double NormRate = 2e-3;
    private const double EmbeddingRate = 6e-4;
    private const double WeightDecay = 0.1;

    private readonly (string Kind, Parameter[] Matrices)[] _groups;
    private readonly (string Name, Parameter Parameter)[] _others;
    private readonly Dictionary<string, Tensor> _state = [];

    public MuonAdam(PlannerParameters parameters)
    {
        _groups = [.. parameters.ByName.Where(pair => IsMatrix(pair.Key)).GroupBy(pair => Kind(pair.Key), pair => pair.Value).Select(group => (group.Key, group.ToArray()))];
        _others = [.. parameters.ByName.Where(pair => !IsMatrix(pair.Key)).Select(pair => (pair.Key, pair.Value))];
        foreach ((string kind, Parameter[] matrices) in _groups)
        {
            _state[kind + ".momentum"] = zeros([matrices.Length, .. matrices[0].shape]);
        }

        foreach ((string name, Parameter parameter) in _others)
        {
            _state[name + ".first"] = zeros_like(parameter).detach();
            _state[name + ".second"] = zeros_like(parameter).detach();
        }

        foreach (Tensor tensor in _state.Values)
        {
            tensor.DetachFromDisposeScope();
        }
    }

    /// <summary>The optimizer's tensors by name, for checkpoints.</summary>
    public IReadOnlyDictionary<string, Tensor> State => _state;

    /// <summary>Applies the gradients and clears them.</summary>
    /// <param name="step">Steps taken before this one.</param>
    /// <param name="rate">Factor on every learning rate, 0 to 1.</param>
    public void Step(int step, double rate)
    {
        using IDisposable scope = NewDisposeScope();
        using IDisposable noGrad = no_grad();
        foreach ((string kind, Parameter[] matrices) in _groups)
        {
            Tensor gradient = stack(matrices.Select(matrix => matrix.grad!));
            Tensor momentum = _state[kind + ".momentum"];
            momentum.mul_(0.95).add_(gradient);
            Tensor update = Orthogonalize(gradient.add(momentum, 0.95));
            double scale = Math.Sqrt(Math.Max(1, (double)gradient.shape[1] / gradient.shape[2]));
            for (int i = 0; i < matrices.Length; i++)
            {
                matrices[i].mul_(1 - (MuonRate * rate * WeightDecay)).add_(update[i], -MuonRate * rate * scale);
                matrices[i].grad!.zero_();
            }
        }

        double firstCorrection = 1 - Math.Pow(0.9, step + 1);
        double secondCorrection = 1 - Math.Pow(0.95, step + 1);
        foreach ((string name, Parameter parameter) in _others)
        {
            Tensor gradient = parameter.grad!;
            Tensor first = _state[name + ".first"].mul_(0.9).add_(gradient, 0.1);
            Tensor second = _state[name + ".second"].mul_(0.95).addcmul_(gradient, gradient, 0.05);
            bool isEmbedding = parameter.dim() == 2;
            double learningRate = rate * (isEmbedding ? EmbeddingRate : NormRate);
            if (isEmbedding)
            {
                parameter.mul_(1 - (learningRate * WeightDecay));
            }

            Tensor denominator = second.div(secondCorrection).sqrt_().add_(1e-10);
            parameter.addcdiv_(first, denominator, -learningRate / firstCorrection);
            gradient.zero_();
        }
    }

    /// <summary>The nearest semi-orthogonal matrices, by five quintic Newton-Schulz steps in bf16.</summary>
    private static Tensor Orthogonalize(Tensor matrices)
    {
        bool wide = matrices.shape[1] <= matrices.shape[2];
        Tensor x = (wide ? matrices : matrices.transpose(1, 2)).to(bfloat16);
        x /= x.to(float32).square().sum([1L, 2L], true).sqrt().add(1e-7).to(bfloat16);
        for (int i = 0; i < 5; i++)
        {
            Tensor a = bmm(x, x.transpose(1, 2));
            Tensor b = (-4.7750 * a) + (2.0315 * bmm(a, a));
            x = (3.4445 * x) + bmm(b, x);
        }

        return (wide ? x : x.transpose(1, 2)).to(float32);
    }

    private static bool IsMatrix(string name) => name.EndsWith("_proj.weight", StringComparison.Ordinal);

    private static string Kind(string name) => name[name.LastIndexOf('.', name.Length - 8)..];
}
