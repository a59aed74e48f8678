namespace MixKVQ.AgentConnector.Cache.Cuda;

internal sealed record DeviceQueryStatistics(nint Magnitudes, nint Energies, int TokenCount, int EnergyTokenCount);
