namespace MixKVQ.AgentConnector;

/// <summary>How a model's matrices are held in memory.</summary>
public enum WeightPrecision
{
    /// <summary>In the type of <see cref="MixKvqOptions.DType"/>, as the checkpoint has them.</summary>
    Checkpoint,

    /// <summary>
    /// In 8 bits with one scale for each row, rounded while loading: half the memory of bfloat16, and tokens are generated up to twice as fast, since
    /// that time goes into reading the weights. On the CPU only.
    /// </summary>
    EightBit,
}
