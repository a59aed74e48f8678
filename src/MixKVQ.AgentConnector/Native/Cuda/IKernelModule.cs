namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>A compiled program's kernels.</summary>
internal interface IKernelModule
{
    /// <summary>A kernel by its name in the source.</summary>
    IKernel Kernel(string name);
}
