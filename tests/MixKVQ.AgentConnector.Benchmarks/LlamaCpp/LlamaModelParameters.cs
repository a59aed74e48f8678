using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Benchmarks.LlamaCpp;

/// <summary>llama.cpp's <c>llama_model_params</c>; what is not named keeps its default.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LlamaModelParameters
{
    private fixed long _devicesAndOverrides[2];
    private fixed int _layersAndModes[5];
    private fixed long _callbacks[4];
    private fixed byte _flags[6];
}
