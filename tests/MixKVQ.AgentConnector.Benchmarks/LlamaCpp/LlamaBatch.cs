using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Benchmarks.LlamaCpp;

/// <summary>llama.cpp's <c>llama_batch</c>, with the fields that its own helper fills.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LlamaBatch
{
    private int _tokenCount;
    private fixed long _arrays[6];
}
