using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Tests.Native;

/// <summary>As TorchSharp reports failures of libtorch.</summary>
internal sealed class TorchFailure(string message) : ExternalException(message)
{
    /// <summary>What a GPU's allocator says when there is no memory left.</summary>
    public static TorchFailure Exhausted => new("CUDA out of memory. Tried to allocate 2.00 MiB. GPU 0 has a total capacity of 8.00 GiB of which 1.06 MiB is free.");
}
