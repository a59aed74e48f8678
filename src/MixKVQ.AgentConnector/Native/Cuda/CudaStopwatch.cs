namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>Times work on a device by its own clock, the host's part left out.</summary>
internal sealed class CudaStopwatch : IDisposable
{
    private readonly CudaDevice _device;
    private readonly nint _start;
    private readonly nint _end;

    /// <summary>Makes a stopwatch that has not run.</summary>
    /// <exception cref="CudaException">The driver refuses.</exception>
    public CudaStopwatch(CudaDevice device)
    {
        _device = device;
        _ = device.Stream();
        device.Check(CudaDriver.CreateEvent(out _start, 0), "cuEventCreate");
        device.Check(CudaDriver.CreateEvent(out _end, 0), "cuEventCreate");
    }

    /// <summary>Starts, once all that was asked for before is done.</summary>
    public void Start() => _device.Check(CudaDriver.RecordEvent(_start, _device.Stream()), "cuEventRecord");

    /// <summary>Waits for all that was asked for since the start.</summary>
    /// <returns>Milliseconds that it took.</returns>
    /// <exception cref="CudaException">A kernel has failed.</exception>
    public double Stop()
    {
        _device.Check(CudaDriver.RecordEvent(_end, _device.Stream()), "cuEventRecord");
        _device.Check(CudaDriver.SynchronizeEvent(_end), "cuEventSynchronize");
        _device.Check(CudaDriver.GetElapsedTime(out float milliseconds, _start, _end), "cuEventElapsedTime");
        return milliseconds;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ = CudaDriver.DestroyEvent(_start);
        _ = CudaDriver.DestroyEvent(_end);
    }
}
