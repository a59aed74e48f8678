using static TorchSharp.torch;

namespace TrainPlannerModel.Evaluation;

/// <summary>How far next-token distributions stray from those of the full-precision cache.</summary>
internal sealed class Divergence
{
    private readonly List<float> _divergences = [];
    private long _agreements;

    public int PositionCount => _divergences.Count;

    /// <summary>Mean KL(reference ‖ other), in nats.</summary>
    public double Mean => _divergences.Average();

    /// <summary>99th percentile of the positions' KL divergences, in nats.</summary>
    public double Percentile99 => _divergences.Order().ElementAt((int)(0.99 * (_divergences.Count - 1)));

    /// <summary>Share of positions whose most likely token is the same.</summary>
    public double GreedyAgreement => (double)_agreements / _divergences.Count;

    /// <summary>Adds positions.</summary>
    /// <param name="reference">[positions, vocabulary], float32 logits; borrowed.</param>
    /// <param name="other">The same positions with another cache; borrowed.</param>
    public void Add(Tensor reference, Tensor other)
    {
        using IDisposable scope = NewDisposeScope();
        Tensor expected = nn.functional.log_softmax(reference.to(float64), 1);
        Tensor actual = nn.functional.log_softmax(other.to(float64), 1);
        Tensor divergence = (expected.exp() * (expected - actual)).sum(1).clamp_min(0).to(float32);
        _divergences.AddRange(divergence.data<float>().ToArray());
        _agreements += reference.argmax(1).eq(other.argmax(1)).sum().item<long>();
    }
}
