namespace MixKVQ.AgentConnector.Checkpoints;

/// <summary>The dense decoder families this library runs; all share one block and differ in biases and norms.</summary>
internal enum ModelArchitecture
{
    /// <summary>Llama 2, 3.x and their derivatives (R1-Distill-Llama among them).</summary>
    Llama,

    /// <summary>Mistral without sliding window.</summary>
    Mistral,

    /// <summary>Qwen2 and Qwen2.5 (R1-Distill-Qwen among them): biases on query, key and value.</summary>
    Qwen2,

    /// <summary>Qwen3, dense: RMS norm over each query and key head.</summary>
    Qwen3,
}
