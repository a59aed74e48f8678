namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>The blocks of a launch.</summary>
internal readonly record struct KernelGrid(int X, int Y = 1, int Z = 1);
