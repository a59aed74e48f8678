namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>A compiled program on a <see cref="CudaDevice"/>, which unloads it.</summary>
internal sealed unsafe class CudaModule : IKernelModule
{
    private readonly Dictionary<string, CudaKernel> _kernels = new(StringComparer.Ordinal);
    private readonly CudaDevice _device;
    private readonly string _file;
    private readonly nint _handle;

    /// <summary>Loads an image; the device's context is current.</summary>
    /// <param name="device">The owner.</param>
    /// <param name="file">The program's name, for messages.</param>
    /// <param name="image">Machine code, or text with a zero at its end.</param>
    /// <exception cref="CudaException">The driver refuses the image.</exception>
    public CudaModule(CudaDevice device, string file, byte[] image)
    {
        _device = device;
        _file = file;
        fixed (byte* start = image)
        {
            device.Check(CudaDriver.LoadModule(out _handle, start), $"cuModuleLoadData of {file}.cu");
        }
    }

    /// <summary>The driver's handle.</summary>
    public nint Handle => _handle;

    /// <inheritdoc/>
    public IKernel Kernel(string name)
    {
        if (!_kernels.TryGetValue(name, out CudaKernel? kernel))
        {
            _device.Check(CudaDriver.GetFunction(out nint function, _handle, name), $"cuModuleGetFunction of {name} in {_file}.cu");
            _kernels[name] = kernel = new CudaKernel(_device, name, function);
        }

        return kernel;
    }
}
