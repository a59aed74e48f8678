using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Benchmarks.LlamaCpp;

/// <summary>llama.cpp's <c>llama_context_params</c>; what is not named keeps its default.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LlamaContextParameters
{
    /// <summary>Tokens to have room for.</summary>
    public uint ContextTokens;

    private fixed uint _limits[6];

    /// <summary>Threads of a step of one token.</summary>
    public int Threads;

    /// <summary>Threads of longer steps.</summary>
    public int BatchThreads;

    private fixed int _kinds[4];

    /// <summary>1 to compute attention in one fused operation, 0 not to.</summary>
    public int FlashAttention;

    private fixed uint _rope[8];
    private fixed long _evaluationCallback[2];

    /// <summary>How keys are held.</summary>
    public GgmlType KeyType;

    /// <summary>How values are held.</summary>
    public GgmlType ValueType;

    private fixed long _abortCallback[2];
    private fixed byte _flags[6];
    private fixed long _samplers[3];
}
