using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>The part of libtorch's stable C ABI that its CUDA library holds. Each returns 0 on success and writes the reason of a failure to standard error.</summary>
internal static partial class TorchCudaAbi
{
    /// <summary>The stream that Torch asks for work on, for the calling thread; 0 is the default stream.</summary>
    [LibraryImport(TorchLibrary.TorchCuda, EntryPoint = "aoti_torch_get_current_cuda_stream")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int GetCurrentStream(int device, out nint stream);
}
