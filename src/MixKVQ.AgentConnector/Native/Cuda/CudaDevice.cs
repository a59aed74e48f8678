using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>An NVIDIA GPU. It shares Torch's context, so addresses of tensors serve as they are, and work goes to Torch's current stream.</summary>
internal sealed unsafe class CudaDevice : IKernelDevice, IDisposable
{
    private readonly Dictionary<string, CudaModule> _modules = new(StringComparer.Ordinal);
    private readonly int _index;
    private readonly int _device;
    private readonly nint _context;
    private readonly KernelCompiler _compiler;
    private bool _isDisposed;

    private CudaDevice(int index, int device)
    {
        _index = index;
        _device = device;
        Name = ReadName(device);
        ComputeCapability = new Version(ReadAttribute(CudaDriver.CapabilityMajor), ReadAttribute(CudaDriver.CapabilityMinor));
        MultiprocessorCount = ReadAttribute(CudaDriver.MultiprocessorCount);
        SharedBytes = ReadAttribute(CudaDriver.BlockSharedBytes);
        _compiler = new KernelCompiler((ComputeCapability.Major * 10) + ComputeCapability.Minor, KernelCache.OfUser());
        CudaStatus.Check(CudaDriver.RetainPrimaryContext(out _context, device), $"cuDevicePrimaryCtxRetain of {Name}");
    }

    /// <summary>What the driver calls it.</summary>
    public string Name { get; }

    /// <summary>Such as 9.0.</summary>
    public Version ComputeCapability { get; }

    /// <inheritdoc/>
    public int MultiprocessorCount { get; }

    /// <inheritdoc/>
    public int SharedBytes { get; }

    /// <inheritdoc/>
    public DeviceMemory MemoryInfo
    {
        get
        {
            Enter();
            CudaStatus.Check(CudaDriver.GetMemoryInfo(out nuint free, out nuint total), "cuMemGetInfo");
            return new DeviceMemory((long)free, (long)total);
        }
    }

    /// <summary>The kernel that was launched last, for the message when one fails: that shows at a later call.</summary>
    internal string LastKernel { private get; set; } = "none";

    /// <summary>Opens a device. <see cref="TorchLibrary.EnsureLoaded"/> has run before.</summary>
    /// <param name="index">Torch's number of it: 1 for <c>cuda:1</c>.</param>
    /// <exception cref="CudaException">There is no such device or driver, libtorch has no CUDA part, NVRTC is missing, or the device is too old.</exception>
    public static CudaDevice Open(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        CudaDriverLibrary.Require();
        if (TorchLibrary.CudaFault is string fault)
        {
            throw new CudaException($"libtorch cannot use a GPU ({fault}). Use TorchSharp-cuda-linux or TorchSharp-cuda-windows, or set TorchLibraryPath to the torch/lib folder of a PyTorch installation with CUDA.");
        }

        CudaStatus.Check(CudaDriver.Initialize(0), "cuInit");
        CudaStatus.Check(CudaDriver.GetDeviceCount(out int count), "cuDeviceGetCount");
        if (index >= count)
        {
            throw new CudaException($"Device cuda:{index} does not exist: the driver shows {count} GPUs. CUDA_VISIBLE_DEVICES may hide some.");
        }

        CudaStatus.Check(CudaDriver.GetDevice(out int device, index), "cuDeviceGet");
        return new CudaDevice(index, device);
    }

    /// <inheritdoc/>
    public IKernelModule Load(KernelProgram program)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        string key = string.Join(' ', program.Defines.Prepend(program.File));
        if (!_modules.TryGetValue(key, out CudaModule? module))
        {
            byte[] image = _compiler.Compile(program);
            Enter();
            _modules[key] = module = new CudaModule(this, program.File, image);
        }

        return module;
    }

    /// <inheritdoc/>
    public void Upload(ReadOnlySpan<byte> source, nint target)
    {
        fixed (byte* bytes = source)
        {
            // From memory that is not pinned the driver has taken its copy when this returns.
            Check(CudaDriver.CopyToDevice(target, bytes, (nuint)source.Length, Stream()), "cuMemcpyHtoDAsync");
        }
    }

    /// <inheritdoc/>
    public void Download(nint source, Span<byte> target)
    {
        nint stream = Stream();
        fixed (byte* bytes = target)
        {
            Check(CudaDriver.CopyToHost(bytes, source, (nuint)target.Length, stream), "cuMemcpyDtoHAsync");
            Check(CudaDriver.SynchronizeStream(stream), "cuStreamSynchronize");
        }
    }

    /// <inheritdoc/>
    public void Clear(nint target, long bytes) => Check(CudaDriver.SetBytes(target, 0, (nuint)bytes, Stream()), "cuMemsetD8Async");

    /// <inheritdoc/>
    public void Synchronize() => Check(CudaDriver.SynchronizeStream(Stream()), "cuStreamSynchronize");

    /// <summary>Torch's current stream, with the device's context made the calling thread's.</summary>
    /// <exception cref="CudaException">The driver or Torch refuses.</exception>
    public nint Stream()
    {
        Enter();
        return TorchCudaAbi.GetCurrentStream(_index, out nint stream) == 0
            ? stream
            : throw new CudaException($"aoti_torch_get_current_cuda_stream of cuda:{_index} failed; libtorch has written the reason to standard error.");
    }

    /// <summary>Throws for a failure, which may be that of a kernel launched before.</summary>
    /// <exception cref="CudaException">The status is that of a failure.</exception>
    public void Check(int status, string function)
    {
        if (status != 0)
        {
            throw CudaStatus.Failure(status, $"{function} on cuda:{_index} (last kernel: {LastKernel})");
        }
    }

    /// <summary>Unloads what was loaded; modules and kernels of the device are not to be used again.</summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        // Failures are ignored: at the end of a process the driver may have gone first.
        _isDisposed = true;
        if (CudaDriver.SetCurrentContext(_context) == 0)
        {
            foreach (CudaModule module in _modules.Values)
            {
                _ = CudaDriver.UnloadModule(module.Handle);
            }
        }

        _ = CudaDriver.ReleasePrimaryContext(_device);
    }

    /// <summary>Threads take turns, and Torch may have made another device's context current: asking costs nanoseconds.</summary>
    private void Enter()
    {
        CudaStatus.Check(CudaDriver.GetCurrentContext(out nint current), "cuCtxGetCurrent");
        if (current != _context)
        {
            CudaStatus.Check(CudaDriver.SetCurrentContext(_context), "cuCtxSetCurrent");
        }
    }

    private static string ReadName(int device)
    {
        byte* name = stackalloc byte[256];
        CudaStatus.Check(CudaDriver.GetDeviceName(name, 256, device), "cuDeviceGetName");
        return Marshal.PtrToStringUTF8((nint)name) ?? string.Empty;
    }

    private int ReadAttribute(int attribute)
    {
        CudaStatus.Check(CudaDriver.GetDeviceAttribute(out int value, attribute, _device), $"cuDeviceGetAttribute of {Name}");
        return value;
    }
}
