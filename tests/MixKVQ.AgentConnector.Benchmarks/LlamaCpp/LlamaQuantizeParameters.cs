using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Benchmarks.LlamaCpp;

/// <summary>llama.cpp's <c>llama_model_quantize_params</c>; what is not named keeps its default.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LlamaQuantizeParameters
{
    private int _threads;

    /// <summary>The file's kind: 1 for float16, 7 for q8_0.</summary>
    public int FileType;

    private fixed int _tensorTypes[2];
    private fixed byte _flags[6];
    private fixed long _overrides[5];
}
