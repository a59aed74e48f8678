namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>
/// Where kernels run: a GPU, or its emulation by tests. Memory is Torch's: addresses are those of tensors on the same device. Work is done in the order in which it is asked for,
/// that of Torch's current stream. One thread at a time.
/// </summary>
internal interface IKernelDevice
{
    /// <summary>Multiprocessors: how many groups of blocks run side by side.</summary>
    int MultiprocessorCount { get; }

    /// <summary>Shared memory that a block may ask for, in bytes; a multiprocessor has 1 KiB more, and keeps 1 KiB of it for each block.</summary>
    int SharedBytes { get; }

    /// <summary>The device's memory now. Safe on any thread.</summary>
    /// <exception cref="CudaException">The driver does not say.</exception>
    DeviceMemory MemoryInfo { get; }

    /// <summary>Compiles a program, or takes what was compiled before.</summary>
    /// <exception cref="CudaException">It does not compile; the message holds the compiler's log.</exception>
    IKernelModule Load(KernelProgram program);

    /// <summary>Copies to the device; the source may change once this returns.</summary>
    void Upload(ReadOnlySpan<byte> source, nint target);

    /// <summary>Copies from the device, once all that was asked for before is done.</summary>
    void Download(nint source, Span<byte> target);

    /// <summary>Sets bytes to zero.</summary>
    void Clear(nint target, long bytes);

    /// <summary>Waits until all that was asked for is done.</summary>
    /// <exception cref="CudaException">A kernel has failed.</exception>
    void Synchronize();
}
