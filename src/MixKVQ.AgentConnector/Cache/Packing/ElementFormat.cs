namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>The type in which a page keeps elements that it does not quantize: the model's own.</summary>
internal enum ElementFormat
{
    /// <summary>IEEE 754 single precision, 4 bytes.</summary>
    Float32,

    /// <summary>The upper half of a float32, 2 bytes.</summary>
    BFloat16,

    /// <summary>IEEE 754 half precision, 2 bytes.</summary>
    Float16,
}
