using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>The CUDA driver's codes as exceptions.</summary>
internal static unsafe class CudaStatus
{
    /// <summary>Throws unless the code is that of success.</summary>
    /// <param name="status">What the function returned.</param>
    /// <param name="function">The function's name, and where it helps, what it was called for.</param>
    /// <exception cref="CudaException">The function failed.</exception>
    public static void Check(int status, string function)
    {
        if (status != 0)
        {
            throw Failure(status, function);
        }
    }

    /// <summary>Words a failure: the function, the code's name and number, and the driver's text for it.</summary>
    public static CudaException Failure(int status, string function)
    {
        byte* text = null;
        _ = CudaDriver.GetErrorName(status, out byte* name) == 0 && CudaDriver.GetErrorString(status, out text) == 0;
        return new CudaException(
            $"{function} failed with {Marshal.PtrToStringUTF8((nint)name) ?? "an unknown code"} ({status}): {Marshal.PtrToStringUTF8((nint)text) ?? "no text"}.");
    }
}
