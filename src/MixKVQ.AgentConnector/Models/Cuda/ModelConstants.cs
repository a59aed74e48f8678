using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Models.Cuda;

/// <summary>What kernels are compiled with for a model.</summary>
internal static class ModelConstants
{
    /// <summary>The model's type, as Device.cuh names it.</summary>
    public static (string Name, int Value) Element(ScalarType dtype) => ("ELEMENT", dtype == ScalarType.Float32 ? 0 : 1);
}
