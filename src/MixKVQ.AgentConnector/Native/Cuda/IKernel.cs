namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>A compiled function.</summary>
internal interface IKernel
{
    /// <summary>Asks for a launch and returns.</summary>
    /// <typeparam name="TArguments">The kernel's only parameter, field by field as the source declares it; bools are ints.</typeparam>
    /// <param name="arguments">Copied.</param>
    /// <param name="grid">Blocks; none in a direction is no launch.</param>
    /// <param name="threads">Threads of a block, a multiple of 32.</param>
    /// <param name="sharedBytes">Dynamic shared memory of a block.</param>
    /// <exception cref="CudaException">The launch was refused.</exception>
    void Launch<TArguments>(in TArguments arguments, KernelGrid grid, int threads, int sharedBytes = 0)
        where TArguments : unmanaged;
}
