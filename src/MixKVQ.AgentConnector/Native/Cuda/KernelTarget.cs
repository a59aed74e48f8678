namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>What to compile for.</summary>
/// <param name="Architecture">Such as 80 or 90: ten times the compute capability's major number, and the minor one.</param>
/// <param name="IsPortable">Whether to text that the driver translates for a newer device, else to the architecture's machine code.</param>
internal readonly record struct KernelTarget(int Architecture, bool IsPortable)
{
    /// <summary>The oldest architecture that kernels run on.</summary>
    public const int Oldest = 80;

    /// <summary>The compiler's option.</summary>
    public string Option => $"--gpu-architecture={(IsPortable ? "compute" : "sm")}_{Architecture}";

    /// <summary>The device's own architecture where the compiler knows it, else the newest older one, as portable text.</summary>
    /// <param name="device">The device's architecture, such as 90.</param>
    /// <param name="known">The architectures that the compiler knows.</param>
    /// <exception cref="CudaException">The device is older than <see cref="Oldest"/>, or the compiler knows none that serves.</exception>
    public static KernelTarget Choose(int device, IReadOnlyList<int> known)
    {
        if (device < Oldest)
        {
            throw new CudaException(
                $"The GPU has compute capability {device / 10}.{device % 10}, and the kernels need 8.0 (A100, RTX 30) or newer. Set Device to cpu.");
        }

        if (known.Contains(device))
        {
            return new KernelTarget(device, IsPortable: false);
        }

        int newest = known.Where(architecture => architecture is >= Oldest && architecture < device).DefaultIfEmpty().Max();
        return newest != 0
            ? new KernelTarget(newest, IsPortable: true)
            : throw new CudaException($"NVRTC compiles for {string.Join(", ", known)}, none of which serves a GPU of architecture {device}. Use a newer libtorch for CUDA.");
    }
}
