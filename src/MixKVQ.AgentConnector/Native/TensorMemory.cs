using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Native;

/// <summary>Tensors as raw memory, without copies.</summary>
internal static class TensorMemory
{
    /// <summary>
    /// The address of the tensor's first element (its storage offset included), on its own device.
    /// </summary>
    /// <param name="tensor">Any shape and dtype; borrowed. The address holds while the tensor lives: keep it alive (<c>GC.KeepAlive</c>) past the last use.</param>
    /// <exception cref="ArgumentException">The tensor has no storage (the meta device's have none).</exception>
    public static nint DataPointer(Tensor tensor)
    {
        if (TorchCAbi.GetDataPointer(tensor.Handle, out nint data) != 0 || (data == 0 && tensor.numel() > 0))
        {
            throw new ArgumentException("The tensor has no storage to point to.", nameof(tensor));
        }

        return data;
    }

    /// <summary>A contiguous CPU tensor over memory of the caller.</summary>
    /// <param name="data">The first element. The memory is borrowed: it has to stay valid and in place until the tensor and all its views are disposed, and is never freed by them.</param>
    /// <param name="shape">Sizes, all at least 0.</param>
    /// <param name="dtype">The elements' type.</param>
    /// <returns>A tensor that the caller disposes; writing to it writes to <paramref name="data"/>.</returns>
    /// <exception cref="ArgumentException">A size is negative, or <paramref name="data"/> is 0 for a tensor that has elements.</exception>
    public static unsafe Tensor FromBlob(nint data, long[] shape, ScalarType dtype)
    {
        TorchLibrary.EnsureLoaded();
        long count = 1;
        long[] strides = new long[shape.Length];
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(shape[i], nameof(shape));
            strides[i] = count;
            count = checked(count * Math.Max(shape[i], 1));
        }

        if (data == 0 && !shape.Contains(0))
        {
            throw new ArgumentException("The address is 0 for a tensor that has elements.", nameof(data));
        }

        fixed (long* sizes = &MemoryMarshal.GetArrayDataReference(shape), steps = &MemoryMarshal.GetArrayDataReference(strides))
        {
            int error = TorchCAbi.CreateTensorFromBlob(
                data, shape.Length, sizes, steps, 0, (int)dtype, TorchCAbi.Cpu, 0, out nint handle, TorchCAbi.Strided, null, 0);
            return error == 0
                ? Tensor.UnsafeCreateTensor(handle)
                : throw new ArgumentException($"libtorch refuses a tensor of shape [{string.Join(", ", shape)}] and dtype {dtype} over memory.", nameof(shape));
        }
    }
}
