using System.Runtime.CompilerServices;
using MixKVQ.AgentConnector.Native;

namespace MixKVQ.AgentConnector.Tests.Native;

/// <summary>Loads libtorch before the first test touches a tensor, as the library's doors do for an application.</summary>
internal static class TorchTestHost
{
    [ModuleInitializer]
    internal static void Load() => TorchLibrary.EnsureLoaded();
}
