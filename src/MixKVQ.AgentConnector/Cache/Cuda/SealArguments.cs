using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Cache.Cuda;

/// <summary>What the kernels that seal a page work on; field by field SealArguments.cuh, which says what the addresses hold.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SealArguments
{
    public nint Tail;
    public nint Page;
    public nint Magnitudes;
    public nint Energies;
    public nint HeadWeights;
    public nint Minima;
    public nint Maxima;
    public nint Importance;
    public nint Variances;
    public nint OutputWeights;
    public nint KeyZeroBytes;
    public nint Lines;
    public nint Keys;
    public nint Levels;
    public nint Widths;
    public nint Result;
    public StepSavings KeySavings;
    public StepSavings ValueSavings;
    public int TokenCount;
    public int EnergyTokenCount;
    public int SpareBytes;
    public int WideZeroBytes;
}
