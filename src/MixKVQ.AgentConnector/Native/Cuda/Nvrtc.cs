using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>Functions of NVRTC. Each returns 0 on success, else a code that <see cref="GetErrorString"/> names.</summary>
internal static unsafe partial class Nvrtc
{
    private const DllImportSearchPath Search = DllImportSearchPath.SafeDirectories;

    [LibraryImport(NvrtcLibrary.Name, EntryPoint = "nvrtcVersion"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetVersion(out int major, out int minor);

    [LibraryImport(NvrtcLibrary.Name, EntryPoint = "nvrtcGetErrorString"), DefaultDllImportSearchPaths(Search)]
    public static partial byte* GetErrorString(int status);

    [LibraryImport(NvrtcLibrary.Name, EntryPoint = "nvrtcGetNumSupportedArchs"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetArchitectureCount(out int count);

    [LibraryImport(NvrtcLibrary.Name, EntryPoint = "nvrtcGetSupportedArchs"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetArchitectures(int* architectures);

    [LibraryImport(NvrtcLibrary.Name, EntryPoint = "nvrtcCreateProgram", StringMarshalling = StringMarshalling.Utf8), DefaultDllImportSearchPaths(Search)]
    public static partial int CreateProgram(out nint program, string source, string name, int headerCount, string[] headers, string[] headerNames);

    [LibraryImport(NvrtcLibrary.Name, EntryPoint = "nvrtcDestroyProgram"), DefaultDllImportSearchPaths(Search)]
    public static partial int DestroyProgram(ref nint program);

    [LibraryImport(NvrtcLibrary.Name, EntryPoint = "nvrtcCompileProgram", StringMarshalling = StringMarshalling.Utf8), DefaultDllImportSearchPaths(Search)]
    public static partial int CompileProgram(nint program, int optionCount, string[] options);

    [LibraryImport(NvrtcLibrary.Name, EntryPoint = "nvrtcGetProgramLogSize"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetLogSize(nint program, out nuint bytes);

    [LibraryImport(NvrtcLibrary.Name, EntryPoint = "nvrtcGetProgramLog"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetLog(nint program, byte* log);

    [LibraryImport(NvrtcLibrary.Name, EntryPoint = "nvrtcGetCUBINSize"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetCubinSize(nint program, out nuint bytes);

    [LibraryImport(NvrtcLibrary.Name, EntryPoint = "nvrtcGetCUBIN"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetCubin(nint program, byte* image);

    [LibraryImport(NvrtcLibrary.Name, EntryPoint = "nvrtcGetPTXSize"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetPtxSize(nint program, out nuint bytes);

    [LibraryImport(NvrtcLibrary.Name, EntryPoint = "nvrtcGetPTX"), DefaultDllImportSearchPaths(Search)]
    public static partial int GetPtx(nint program, byte* image);
}
