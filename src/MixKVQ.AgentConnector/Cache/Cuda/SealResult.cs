using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Cache.Cuda;

/// <summary>What kernels tell of a page that they sealed; field by field SealArguments.cuh, which says what they mean.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SealResult
{
    public int NotFinite;
    public int UsedBytes;
    public int CodeBytes;
    public int ScaleBytes;
    public int IndexBytes;
    public int PaddingBytes;
}
