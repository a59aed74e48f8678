namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>The types of weights that products read.</summary>
internal enum WeightFormat
{
    /// <summary>float32.</summary>
    Float32,

    /// <summary>bfloat16.</summary>
    BFloat16,

    /// <summary>Signed bytes with one unit a row.</summary>
    Int8,
}
