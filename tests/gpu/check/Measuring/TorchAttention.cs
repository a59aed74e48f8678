using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Measuring;

/// <summary>
/// scaled_dot_product_attention by the kernel that is wanted. By itself libtorch takes cuDNN's wherever that can serve, also where its FlashAttention is several times as fast:
/// for few conversations, whose tokens cuDNN does not split. Only libtorch's C++ interface has the switch.
/// </summary>
internal static partial class TorchAttention
{
    private const string TorchCpu = "torch_cpu";

    /// <summary>As libtorch chooses.</summary>
    /// <param name="queries">[batch, heads, queries, headDim].</param>
    /// <param name="keys">[batch, heads, tokens, headDim].</param>
    /// <param name="values">As <paramref name="keys"/>.</param>
    /// <returns>As <paramref name="queries"/>, the caller's.</returns>
    public static Tensor Chosen(Tensor queries, Tensor keys, Tensor values) => nn.functional.scaled_dot_product_attention(queries, keys, values);

    /// <summary>By FlashAttention; parameters and result as for <see cref="Chosen"/>.</summary>
    public static Tensor Flash(Tensor queries, Tensor keys, Tensor values)
    {
        UseCuDnn(GlobalContext(), 0);
        try
        {
            return Chosen(queries, keys, values);
        }
        finally
        {
            UseCuDnn(GlobalContext(), 1);
        }
    }

    // at::globalContext()
    [LibraryImport(TorchCpu, EntryPoint = "_ZN2at13globalContextEv")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint GlobalContext();

    // at::Context::setSDPUseCuDNN(bool)
    [LibraryImport(TorchCpu, EntryPoint = "_ZN2at7Context14setSDPUseCuDNNEb")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial void UseCuDnn(nint context, byte use);
}
