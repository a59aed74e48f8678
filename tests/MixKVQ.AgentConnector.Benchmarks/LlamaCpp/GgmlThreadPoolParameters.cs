using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Benchmarks.LlamaCpp;

/// <summary>llama.cpp's <c>ggml_threadpool_params</c>. Zeros are its defaults but for the two that are named.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct GgmlThreadPoolParameters
{
    private fixed byte _cores[512];

    /// <summary>Threads, the caller's included.</summary>
    public int Threads;

    private int _priority;

    /// <summary>How long threads look out for work before they sleep, from 0 to 100; llama.cpp's default is 50.</summary>
    public uint Polling;

    private fixed byte _flags[2];
}
