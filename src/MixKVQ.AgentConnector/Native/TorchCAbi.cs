using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Native;

/// <summary>
/// Functions of libtorch's stable C ABI (torch/csrc/inductor/aoti_torch/c/shim.h). A tensor handle there is
/// TorchSharp's <c>Tensor.Handle</c>. Each returns 0 on success and writes the reason of a failure to standard error.
/// </summary>
internal static unsafe partial class TorchCAbi
{
    /// <summary>Device type of the CPU, and the strided layout: both are 0 in c10.</summary>
    public const int Cpu = 0;

    /// <inheritdoc cref="Cpu"/>
    public const int Strided = 0;

    [LibraryImport(TorchLibrary.TorchCpu, EntryPoint = "aoti_torch_get_data_ptr")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int GetDataPointer(nint tensor, out nint data);

    [LibraryImport(TorchLibrary.TorchCpu, EntryPoint = "aoti_torch_create_tensor_from_blob_v2")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int CreateTensorFromBlob(
        nint data,
        long dimensionCount,
        long* sizes,
        long* strides,
        long storageOffset,
        int dtype,
        int deviceType,
        int deviceIndex,
        out nint tensor,
        int layout,
        byte* opaqueMetadata,
        long opaqueMetadataBytes);
}
