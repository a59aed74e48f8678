using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache.Cuda;

/// <summary>QueryStatistics.cu on a device. One thread at a time.</summary>
internal sealed class QueryStatisticsKernels
{
    private const int MagnitudeThreads = 128;
    private const int EnergyThreads = 1024;

    private readonly IKernel _magnitudes;
    private readonly IKernel _energies;

    /// <param name="device">Where the statistics are.</param>
    /// <exception cref="CudaException">The kernels do not compile.</exception>
    public QueryStatisticsKernels(IKernelDevice device)
    {
        IKernelModule module = device.Load(new KernelProgram("QueryStatistics"));
        (_magnitudes, _energies) = (module.Kernel("add_magnitudes"), module.Kernel("add_energies"));
    }

    /// <summary>Adds tokens to a layer's sums.</summary>
    /// <param name="queries">[tokens, queryHeads * headDim], float32, contiguous, on the device.</param>
    /// <param name="residuals">[tokens, hidden], like <paramref name="queries"/>; null leaves <paramref name="energy"/> as it is.</param>
    /// <param name="magnitudes">Address of the layer's sums of |q|, [queryHeads * headDim] doubles.</param>
    /// <param name="energy">Address of the layer's sum of ‖x‖², one double.</param>
    public void Add(Tensor queries, Tensor? residuals, nint magnitudes, nint energy)
    {
        var arguments = new Arguments
        {
            Queries = TensorMemory.DataPointer(queries),
            Residuals = residuals is null ? 0 : TensorMemory.DataPointer(residuals),
            Magnitudes = magnitudes,
            Energy = energy,
            Tokens = (int)queries.shape[0],
            Length = (int)queries.shape[1],
            Hidden = (int)(residuals?.shape[1] ?? 0),
        };
        _magnitudes.Launch(arguments, new KernelGrid((arguments.Length + MagnitudeThreads - 1) / MagnitudeThreads), MagnitudeThreads);
        if (residuals is not null)
        {
            _energies.Launch(arguments, new KernelGrid(1), EnergyThreads);
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Arguments
    {
        public nint Queries;
        public nint Residuals;
        public nint Magnitudes;
        public nint Energy;
        public int Tokens;
        public int Length;
        public int Hidden;
    }
}
