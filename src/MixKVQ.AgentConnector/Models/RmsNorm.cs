using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>A root-mean-square norm's parameters.</summary>
internal sealed class RmsNorm(WeightReader reader, string name, int width, double epsilon) : IDisposable
{
    /// <summary>Added to the mean square.</summary>
    public float Epsilon { get; } = (float)epsilon;

    /// <summary>[width], float32 (keeping its rounding away costs nothing); owned by this norm.</summary>
    public Tensor Weight { get; } = reader.ReadVector(name, width);

    public void Dispose() => Weight.Dispose();
}
