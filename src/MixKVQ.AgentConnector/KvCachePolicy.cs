namespace MixKVQ.AgentConnector;

/// <summary>How a sealed page of the key-value cache spends its bits.</summary>
public enum KvCachePolicy
{
    /// <summary>
    /// The default: a page of all layers and heads takes a constant number of bytes (<see cref="KvCacheOptions.TargetBits"/> an element, everything counted),
    /// spent where it lowers the expected squared error of the attention output most, over key channels and value tokens alike.
    /// </summary>
    MixKvq,

    /// <summary>MixKVQ as published (arXiv 2512.19206): key channels of 2, 4 and 16 bits by salience thresholds, 2-bit values.</summary>
    MixKvqThresholds,

    /// <summary>KIVI's scheme (arXiv 2402.02750) at 2 bits: keys per channel, values per token, 16-bit scales and zeros.</summary>
    Uniform2,

    /// <summary>KIVI's scheme at 3 bits.</summary>
    Uniform3,

    /// <summary>KIVI's scheme at 4 bits.</summary>
    Uniform4,

    /// <summary>KIVI's scheme at 8 bits.</summary>
    Uniform8,

    /// <summary>No quantization: every element in the model's own type.</summary>
    FullPrecision,
}
