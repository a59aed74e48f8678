using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Attention.Cuda;

/// <summary>See PrefillState.cuh, which says what the addresses hold.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PrefillArguments
{
    public CacheSequence Sequence;
    public nint Queries;
    public nint Output;
    public nint Partials;
    public nint Sums;
    public float Scale;
    public int Layer;
    public int Tokens;
    public int Shares;
    public int AreFloats;
}
