using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>One conversation's cache as kernels see it; field by field CacheSequence.cuh, which says what the addresses hold.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CacheSequence
{
    public nint Pages;
    public nint Sinks;
    public nint Tail;
    public nint Magnitudes;
    public nint Energies;
    public int PageCount;
    public int SinkCount;
    public int TailCount;
    public int Position;
}
