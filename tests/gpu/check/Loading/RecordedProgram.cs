using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.GpuCheck.Loading;

/// <summary>A program that was asked for, and the kernels that were asked of it.</summary>
/// <param name="Program">The program.</param>
/// <param name="Module">Compiled.</param>
/// <param name="Kernels">By name.</param>
internal sealed record RecordedProgram(KernelProgram Program, IKernelModule Module, SortedDictionary<string, IKernel> Kernels) : IKernelModule
{
    /// <inheritdoc/>
    public IKernel Kernel(string name) => Kernels[name] = Module.Kernel(name);
}
