using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Checkpoints;
using MixKVQ.AgentConnector.Native.Cuda;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models.Cuda;

/// <summary>Launches the kernels of HeadKernels.cu. Addresses are the device's.</summary>
internal sealed class HeadKernels
{
    private const int BlockHeads = 4;
    private const int BlockThreads = 32 * BlockHeads;

    private readonly IKernel _rotate;
    private readonly IKernel _append;
    private readonly int _appendBlocks;

    /// <param name="device">Compiles and runs them.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="dtype">The model's type: float32 or bfloat16.</param>
    public HeadKernels(IKernelDevice device, ModelConfig config, ScalarType dtype)
    {
        IKernelModule module = device.Load(new KernelProgram(
            "HeadKernels",
            ModelConstants.Element(dtype),
            ("HEAD_DIM", config.HeadDim),
            ("QUERY_HEADS", config.QueryHeadCount),
            ("KV_HEADS", config.KeyValueHeadCount)));
        _rotate = module.Kernel("norm_rotate");
        _append = module.Kernel("norm_rotate_append");
        _appendBlocks = Blocks(config.QueryHeadCount + (2 * config.KeyValueHeadCount)) + 1;
    }

    /// <summary>Norms and rotates heads of several tokens in place.</summary>
    public void NormAndRotate(in RotateArguments arguments, int tokens) =>
        _rotate.Launch(arguments, new KernelGrid(Blocks(arguments.HeadCount), tokens), BlockThreads);

    /// <summary>Norms and rotates a layer's queries and keys of a decode step and appends to the sequences' caches and statistics.</summary>
    public void Append(in AppendArguments arguments, int count) => _append.Launch(arguments, new KernelGrid(_appendBlocks, count), BlockThreads);

    private static int Blocks(int heads) => (heads + BlockHeads - 1) / BlockHeads;

    /// <summary>See HeadKernels.cu.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct RotateArguments
    {
        public nint Heads;
        public long TokenStride;
        public nint Weight;
        public nint Rotations;
        public int HeadCount;
        public float Epsilon;
    }

    /// <summary>See HeadKernels.cu.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct AppendArguments
    {
        public nint Projected;
        public nint QueryNorm;
        public nint KeyNorm;
        public nint Rotations;
        public nint Hidden;
        public nint Queries;
        public nint Sequences;
        public int Layer;
        public int HiddenWidth;
        public float Epsilon;
    }
}
