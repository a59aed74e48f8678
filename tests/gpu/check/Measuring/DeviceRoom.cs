using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.GpuCheck.Measuring;

/// <summary>How Torch says that a device's memory is full.</summary>
internal static class DeviceRoom
{
    /// <summary>Whether a failure is that there was no room.</summary>
    public static bool IsMissing(ExternalException fault) => fault.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase);
}
