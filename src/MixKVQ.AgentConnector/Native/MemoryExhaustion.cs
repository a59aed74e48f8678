using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Native;

/// <summary>Tells failures that free memory would have prevented, of a device or the process, from all others.</summary>
internal static partial class MemoryExhaustion
{
    /// <summary>As libtorch, the CUDA driver and cuBLAS word it.</summary>
    private static readonly string[] Signs = ["out of memory", "OUT_OF_MEMORY", "can't allocate memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED"];

    /// <summary>Whether an allocation failed. An <see cref="InsufficientMemoryException"/> is a refusal of ours and does not count.</summary>
    public static bool Is(Exception exception) => exception switch
    {
        InsufficientMemoryException => false,
        OutOfMemoryException => true,
        ExternalException or CudaException => Array.Exists(Signs, sign => exception.Message.Contains(sign, StringComparison.OrdinalIgnoreCase)),
        _ => false,
    };

    /// <summary>The size that was asked for, such as <c>20.00 MiB</c>, where the message tells it.</summary>
    public static string? RequestedSize(Exception exception) => Request().Match(exception.Message) is { Success: true } match ? match.Groups[1].Value : null;

    [GeneratedRegex("tried to allocate ([0-9.]+ (?:bytes|[KMGT]?i?B))", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Request();
}
