using MixKVQ.AgentConnector.GpuCheck.DecodeStep;
using MixKVQ.AgentConnector.Models;
using MixKVQ.AgentConnector.Models.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Parity;

/// <summary>The small operations of a decoder against Torch's own on the CPU.</summary>
internal static class PointwiseParity
{
    private const float Epsilon = 1e-5f;
    private const int Tokens = 5;

    /// <summary>Compares all of them in a type.</summary>
    public static void Compare(CheckMachine machine, ScalarType type, int headDim, ParityTable table)
    {
        using var scope = NewDisposeScope();
        var config = LargeModel.Config with { HeadDim = headDim };
        var kernels = new CudaPointwise(machine.Kernels, config, type);
        var oracle = new TorchPointwise();
        double bar = type == ScalarType.Float32 ? 1e-5 : 0.01;
        string about = $"{type}, head_dim {headDim}";

        Tensor rows = (randn(Tokens, config.HiddenSize) * 4).to(type), norm = randn(config.HiddenSize);
        table.Add("RMS norm", about, Difference.Of(oracle.RmsNorm(rows, norm, Epsilon), kernels.RmsNorm(On(rows), On(norm), Epsilon)), bar);

        Tensor both = (randn(Tokens, 2 * config.IntermediateSize) * 4).to(type);
        table.Add("SiLU-multiply", about, Difference.Of(oracle.SiluGate(both), kernels.SiluGate(On(both))), bar);

        Tensor heads = randn(Tokens, config.QueryHeadCount, headDim).to(type), rotation = randn(Tokens, headDim);
        foreach (Tensor? weight in new[] { null, randn(headDim) })
        {
            Tensor expected = oracle.NormAndRotate(heads.clone(), weight, Epsilon, rotation);
            Tensor actual = kernels.NormAndRotate(On(heads), weight is null ? null : On(weight), Epsilon, On(rotation));
            table.Add(weight is null ? "RoPE" : "QK-norm and RoPE", about, Difference.Of(expected, actual), bar);
        }

        // A copy, even where both are on the CPU.
        Tensor On(Tensor tensor) => tensor.to(machine.Device, copy: true);
    }
}
