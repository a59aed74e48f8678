using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Native.Cuda;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models.Cuda;

/// <summary>Launches the kernels of Pointwise.cu. Addresses are the device's; rows follow each other without gaps, in the model's type.</summary>
internal sealed class PointwiseKernels
{
    private const int ChunkBytes = 16;
    private const int MostNormThreads = 512;
    private const int RowThreads = 128;

    private readonly IKernel _norm;
    private readonly IKernel _gate;
    private readonly IKernel _embed;
    private readonly int _chunk;

    /// <param name="device">Compiles and runs them.</param>
    /// <param name="dtype">The model's type: float32 or bfloat16.</param>
    public PointwiseKernels(IKernelDevice device, ScalarType dtype)
    {
        IKernelModule module = device.Load(new KernelProgram("Pointwise", ModelConstants.Element(dtype)));
        _norm = module.Kernel("rms_norm");
        _gate = module.Kernel("silu_multiply");
        _embed = module.Kernel("embed");
        _chunk = ChunkBytes / (dtype == ScalarType.Float32 ? 4 : 2);
    }

    /// <summary>Root-mean-square norm of each row times a weight.</summary>
    /// <param name="rows">[count, width].</param>
    /// <param name="weight">[width], float32.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="result">[count, width].</param>
    /// <param name="count">Rows.</param>
    /// <param name="width">Elements of a row of the result.</param>
    public void RmsNorm(nint rows, nint weight, float epsilon, nint result, int count, int width) => _norm.Launch(
        new NormArguments { Rows = rows, Weight = weight, Result = result, Width = width, Epsilon = epsilon },
        new KernelGrid(count),
        Math.Clamp((Chunks(width) + 31) / 32 * 32, 32, MostNormThreads));

    /// <summary>SiLU of the first half of each row times the second half.</summary>
    /// <param name="gateAndUp">[count, 2 · width].</param>
    /// <param name="result">[count, width].</param>
    /// <param name="count">Rows.</param>
    /// <param name="width">Elements of a row of the result.</param>
    public void SiluGate(nint gateAndUp, nint result, int count, int width) =>
        _gate.Launch(new GateArguments { GateAndUp = gateAndUp, Result = result, Width = width }, RowGrid(count, width), RowThreads);

    /// <summary>The rows of a table that ids name.</summary>
    /// <param name="table">[ids, width].</param>
    /// <param name="ids">[count], int32.</param>
    /// <param name="result">[count, width].</param>
    /// <param name="count">Rows.</param>
    /// <param name="width">Elements of a row of the result.</param>
    public void Embed(nint table, nint ids, nint result, int count, int width) =>
        _embed.Launch(new EmbedArguments { Table = table, Ids = ids, Result = result, Width = width }, RowGrid(count, width), RowThreads);

    private KernelGrid RowGrid(int count, int width) => new((Chunks(width) + RowThreads - 1) / RowThreads, count);

    private int Chunks(int width) => (width + _chunk - 1) / _chunk;

    [StructLayout(LayoutKind.Sequential)]
    private struct NormArguments
    {
        public nint Rows;
        public nint Weight;
        public nint Result;
        public int Width;
        public float Epsilon;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct GateArguments
    {
        public nint GateAndUp;
        public nint Result;
        public int Width;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct EmbedArguments
    {
        public nint Table;
        public nint Ids;
        public nint Result;
        public int Width;
    }
}
