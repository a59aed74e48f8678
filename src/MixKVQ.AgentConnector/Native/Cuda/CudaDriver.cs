using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>Functions of the CUDA driver. Each returns 0 on success, else a code for <see cref="CudaStatus"/>.</summary>
internal static unsafe partial class CudaDriver
{
    /// <summary>Attributes of a device: how many multiprocessors it has, and both parts of its compute capability.</summary>
    public const int MultiprocessorCount = 16;

    /// <inheritdoc cref="MultiprocessorCount"/>
    public const int BlockSharedBytes = 97;

    /// <inheritdoc cref="MultiprocessorCount"/>
    public const int CapabilityMajor = 75;

    /// <inheritdoc cref="MultiprocessorCount"/>
    public const int CapabilityMinor = 76;

    /// <summary>Attributes of a function: bytes of static shared memory, bytes of local memory a thread, registers a thread, the most bytes of dynamic shared memory a launch may ask for.</summary>
    public const int SharedBytes = 1;

    /// <inheritdoc cref="SharedBytes"/>
    public const int LocalBytes = 3;

    /// <inheritdoc cref="SharedBytes"/>
    public const int Registers = 4;

    /// <inheritdoc cref="SharedBytes"/>
    public const int MaxDynamicSharedBytes = 8;

    private const DllImportSearchPath Search = DllImportSearchPath.SafeDirectories;

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuInit"), DefaultDllImportSearchPaths(Search)]
    public static partial int Initialize(uint flags);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuGetErrorName"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetErrorName(int status, out byte* name);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuGetErrorString"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetErrorString(int status, out byte* text);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuDeviceGetCount"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetDeviceCount(out int count);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuDeviceGet"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetDevice(out int device, int index);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuDeviceGetName"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetDeviceName(byte* name, int capacity, int device);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuDeviceGetAttribute"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetDeviceAttribute(out int value, int attribute, int device);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuDevicePrimaryCtxRetain"), DefaultDllImportSearchPaths(Search)]
    public static partial int RetainPrimaryContext(out nint context, int device);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuDevicePrimaryCtxRelease_v2"), DefaultDllImportSearchPaths(Search)]
    public static partial int ReleasePrimaryContext(int device);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuCtxGetCurrent"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetCurrentContext(out nint context);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuCtxSetCurrent"), DefaultDllImportSearchPaths(Search)]
    public static partial int SetCurrentContext(nint context);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuMemGetInfo_v2"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetMemoryInfo(out nuint free, out nuint total);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuModuleLoadData"), DefaultDllImportSearchPaths(Search)]
    public static partial int LoadModule(out nint module, byte* image);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuModuleUnload"), DefaultDllImportSearchPaths(Search)]
    public static partial int UnloadModule(nint module);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuModuleGetFunction", StringMarshalling = StringMarshalling.Utf8), DefaultDllImportSearchPaths(Search)]
    public static partial int GetFunction(out nint function, nint module, string name);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuFuncGetAttribute"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetFunctionAttribute(out int value, int attribute, nint function);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuFuncSetAttribute"), DefaultDllImportSearchPaths(Search)]
    public static partial int SetFunctionAttribute(nint function, int attribute, int value);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuLaunchKernel"), DefaultDllImportSearchPaths(Search)]
    public static partial int LaunchKernel(
        nint function, uint gridX, uint gridY, uint gridZ, uint blockX, uint blockY, uint blockZ, uint sharedBytes, nint stream, void** parameters, void** extra);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuMemcpyHtoDAsync_v2"), DefaultDllImportSearchPaths(Search)]
    public static partial int CopyToDevice(nint target, byte* source, nuint bytes, nint stream);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuMemcpyDtoHAsync_v2"), DefaultDllImportSearchPaths(Search)]
    public static partial int CopyToHost(byte* target, nint source, nuint bytes, nint stream);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuMemsetD8Async"), DefaultDllImportSearchPaths(Search)]
    public static partial int SetBytes(nint target, byte value, nuint bytes, nint stream);

    [LibraryImport(CudaDriverLibrary.Name, EntryPoint = "cuStreamSynchronize"), DefaultDllImportSearchPaths(Search)]
    public static partial int SynchronizeStream(nint stream);
}
