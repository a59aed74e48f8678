using TorchSharp;

namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>The element types of the safetensors format.</summary>
internal static class SafetensorsTypes
{
    /// <summary>Bytes of one element, or null for a type that is not known.</summary>
    public static int? ElementBytes(string dtype) => dtype switch
    {
        "BOOL" or "U8" or "I8" or "F8_E5M2" or "F8_E4M3" => 1,
        "U16" or "I16" or "F16" or "BF16" => 2,
        "U32" or "I32" or "F32" => 4,
        "U64" or "I64" or "F64" => 8,
        _ => null,
    };

    /// <summary>The Torch type of a weight, or null where weights of this type are not supported.</summary>
    public static torch.ScalarType? ToTorch(string dtype) => dtype switch
    {
        "F32" => torch.ScalarType.Float32,
        "F16" => torch.ScalarType.Float16,
        "BF16" => torch.ScalarType.BFloat16,
        _ => null,
    };

    /// <summary>The format's spelling of a weight's Torch type.</summary>
    /// <exception cref="ArgumentException">The type is not float32, float16 or bfloat16.</exception>
    public static string FromTorch(torch.ScalarType dtype) => dtype switch
    {
        torch.ScalarType.Float32 => "F32",
        torch.ScalarType.Float16 => "F16",
        torch.ScalarType.BFloat16 => "BF16",
        _ => throw new ArgumentException($"{dtype} is not written to safetensors; float32, float16 and bfloat16 are.", nameof(dtype)),
    };
}
