namespace MixKVQ.AgentConnector.Native.Cuda;

/// <summary>A device's memory in bytes. What Torch holds back for its own later use is not free.</summary>
internal readonly record struct DeviceMemory(long Free, long Total);
