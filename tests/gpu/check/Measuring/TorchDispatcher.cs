using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.GpuCheck.Measuring;

/// <summary>Operators of libtorch that TorchSharp does not offer, by way of its stable C ABI.</summary>
internal static unsafe partial class TorchDispatcher
{
    private const string TorchCpu = "torch_cpu";

    /// <summary>scaled_dot_product_attention without mask, told that query heads share key heads.</summary>
    /// <param name="queries">[batch, queryHeads, queries, headDim].</param>
    /// <param name="keys">[batch, kvHeads, tokens, headDim].</param>
    /// <param name="values">As <paramref name="keys"/>.</param>
    /// <returns>As <paramref name="queries"/>, the caller's.</returns>
    public static Tensor GroupedAttention(Tensor queries, Tensor keys, Tensor values)
    {
        // query, key, value, mask, dropout, is causal, scale, share heads: a value each of 64 bits, 0 for none.
        ulong* stack = stackalloc ulong[8] { Reference(queries), Reference(keys), Reference(values), 0, 0, 0, 0, 1 };
        return CallDispatcher("aten::scaled_dot_product_attention", "", stack) == 0
            ? Tensor.UnsafeCreateTensor((nint)stack[0])
            : throw new NotSupportedException("libtorch refuses scaled_dot_product_attention with shared heads; it says why on standard error.");
    }

    /// <summary>The same by FlashAttention, which libtorch does not always choose, though it is often the fastest. Query heads are as many as key heads.</summary>
    /// <param name="queries">[batch, heads, queries, headDim].</param>
    /// <param name="keys">[batch, heads, tokens, headDim].</param>
    /// <param name="values">As <paramref name="keys"/>.</param>
    /// <returns>As <paramref name="queries"/>, the caller's.</returns>
    public static Tensor FlashAttention(Tensor queries, Tensor keys, Tensor values)
    {
        // query, key, value, dropout, is causal, debug mask, scale; nine results: output, log-sum-exp, two tensors, two numbers, three tensors.
        ulong* stack = stackalloc ulong[9] { Reference(queries), Reference(keys), Reference(values), 0, 0, 0, 0, 0, 0 };
        if (CallDispatcher("aten::_scaled_dot_product_flash_attention", "", stack) != 0)
        {
            throw new NotSupportedException("libtorch refuses _scaled_dot_product_flash_attention; it says why on standard error.");
        }

        foreach (int other in (ReadOnlySpan<int>)[1, 2, 3, 6, 7, 8])
        {
            _ = DeleteTensorHandle((nint)stack[other]);
        }

        return Tensor.UnsafeCreateTensor((nint)stack[0]);
    }

    // The dispatcher takes over the handles that it is given.
    private static ulong Reference(Tensor tensor) =>
        NewTensorHandle(tensor.Handle, out nint handle) == 0 ? (ulong)handle : throw new InvalidOperationException("libtorch gives no further handle of a tensor.");

    [LibraryImport(TorchCpu, EntryPoint = "aoti_torch_new_tensor_handle")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int NewTensorHandle(nint tensor, out nint handle);

    [LibraryImport(TorchCpu, EntryPoint = "aoti_torch_delete_tensor_object")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int DeleteTensorHandle(nint tensor);

    [LibraryImport(TorchCpu, EntryPoint = "aoti_torch_call_dispatcher", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int CallDispatcher(string operatorName, string overload, ulong* stack);
}
