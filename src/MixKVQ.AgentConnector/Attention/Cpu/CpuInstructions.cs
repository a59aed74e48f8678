namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>The instructions that kernels over packed pages are written in; chosen once, at start.</summary>
internal enum CpuInstructions
{
    /// <summary>Vectors of 128 bits in portable form, with Arm's dot product of bytes where the processor has it.</summary>
    Portable,

    /// <summary>AVX2.</summary>
    Avx2,

    /// <summary>AVX-512 with BW, VBMI and VBMI2.</summary>
    Avx512,
}
