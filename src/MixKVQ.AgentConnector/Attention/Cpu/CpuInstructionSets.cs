using System.Runtime.Intrinsics.X86;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>What this machine can run.</summary>
internal static class CpuInstructionSets
{
    /// <summary>The fastest that this machine has.</summary>
    public static CpuInstructions Best => Supports(CpuInstructions.Avx512) ? CpuInstructions.Avx512 : Supports(CpuInstructions.Avx2) ? CpuInstructions.Avx2 : CpuInstructions.Portable;

    /// <summary>Whether this machine has them.</summary>
    public static bool Supports(CpuInstructions instructions) => instructions switch
    {
        CpuInstructions.Avx512 => Avx512BW.IsSupported && Avx512Vbmi2.IsSupported,
        CpuInstructions.Avx2 => Avx2.IsSupported && Fma.IsSupported,
        _ => true,
    };
}
