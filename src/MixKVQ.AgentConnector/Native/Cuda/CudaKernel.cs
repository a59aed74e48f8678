namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>A compiled function on a <see cref="CudaDevice"/>.</summary>
internal sealed unsafe class CudaKernel : IKernel
{
    /// <summary>Shared memory of a block, static and dynamic, that needs no asking.</summary>
    private const int FreeSharedBytes = 48 * 1024;

    private readonly CudaDevice _device;
    private readonly string _name;
    private readonly nint _function;
    private int _allowedSharedBytes;

    /// <summary>Takes the driver's handle of a function.</summary>
    /// <exception cref="CudaException">The driver does not know it.</exception>
    public CudaKernel(CudaDevice device, string name, nint function)
    {
        _device = device;
        _name = name;
        _function = function;
        _allowedSharedBytes = FreeSharedBytes - ReadAttribute(CudaDriver.SharedBytes);
    }

    /// <summary>Registers of a thread.</summary>
    public int Registers => ReadAttribute(CudaDriver.Registers);

    /// <summary>Bytes of a thread in slow memory: arrays and registers that found no room.</summary>
    public int LocalBytes => ReadAttribute(CudaDriver.LocalBytes);

    /// <inheritdoc/>
    public void Launch<TArguments>(in TArguments arguments, KernelGrid grid, int threads, int sharedBytes = 0)
        where TArguments : unmanaged
    {
        if (grid.X == 0 || grid.Y == 0 || grid.Z == 0)
        {
            return;
        }

        nint stream = _device.Stream();
        if (sharedBytes > _allowedSharedBytes)
        {
            _device.Check(CudaDriver.SetFunctionAttribute(_function, CudaDriver.MaxDynamicSharedBytes, sharedBytes), $"cuFuncSetAttribute of {_name} with {sharedBytes} bytes of shared memory");
            _allowedSharedBytes = sharedBytes;
        }

        fixed (TArguments* pointer = &arguments)
        {
            void* parameter = pointer;
            int status = CudaDriver.LaunchKernel(
                _function, (uint)grid.X, (uint)grid.Y, (uint)grid.Z, (uint)threads, 1, 1, (uint)sharedBytes, stream, &parameter, null);
            if (status != 0)
            {
                _device.Check(status, $"cuLaunchKernel of {_name} with {grid.X} x {grid.Y} x {grid.Z} blocks of {threads} threads and {sharedBytes} bytes of shared memory");
            }
        }

        _device.LastKernel = _name;
    }

    private int ReadAttribute(int attribute)
    {
        _device.Check(CudaDriver.GetFunctionAttribute(out int value, attribute, _function), $"cuFuncGetAttribute of {_name}");
        return value;
    }
}
