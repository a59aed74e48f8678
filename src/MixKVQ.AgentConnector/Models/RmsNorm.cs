using MixKVQ.AgentConnector.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models;

/// <summary>A root-mean-square norm's parameters.</summary>
internal sealed unsafe class RmsNorm(WeightReader reader, string name, int width, double epsilon) : IDisposable
{
    /// <summary>Added to the mean square.</summary>
    public float Epsilon { get; } = (float)epsilon;

    /// <summary>[width], float32 (keeping its rounding away costs nothing); owned by this norm.</summary>
    public Tensor Weight { get; } = reader.ReadVector(name, width);

    /// <summary>The weight in CPU memory; valid while this norm is held.</summary>
    public ReadOnlySpan<float> OnCpu => new((float*)TensorMemory.DataPointer(Weight), width);

    public void Dispose() => Weight.Dispose();
}
