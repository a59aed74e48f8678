using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Native;
using MixKVQ.AgentConnector.Native.Cuda;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Attention.Cuda;

/// <summary>Attention of a step's tokens by kernels, over pages in the memory of the kernels' device. One thread at a time: it holds scratch memory.</summary>
/// <param name="kernels">Compiles and runs them.</param>
internal sealed class CudaAttention(IKernelDevice kernels) : IAttentionKernel, IDisposable
{
    private PackedPageLayout? _layout;
    private PrefillAttention? _prefill;
    private PageTableMemory? _pages;

    /// <inheritdoc/>
    public Tensor Attend(Tensor queries, CacheView view, float scale)
    {
        int tokens = (int)queries.shape[0];
        if (view.TokenCount < tokens)
        {
            throw new ArgumentException("The view holds fewer tokens than there are queries; append the step's tokens before attending.", nameof(view));
        }

        Open(view.Layout);
        using IDisposable noGradients = no_grad();
        bool areFloats = queries.dtype != view.Layout.Geometry.DType;
        using Tensor typed = queries.to(areFloats ? ScalarType.Float32 : queries.dtype);
        using Tensor source = typed.contiguous();
        Tensor output = empty_like(source);
        _prefill!.Attend(new PrefillArguments
        {
            Sequence = new CacheSequence
            {
                Pages = _pages!.Place(view.Pages),
                Sinks = BufferStart(view.Sinks, view.Layer),
                Tail = BufferStart(view.Tail, view.Layer),
                PageCount = view.Pages.Count,
                SinkCount = view.Sinks.Count,
                TailCount = view.Tail.Count,
                Position = view.TokenCount - tokens,
            },
            Queries = TensorMemory.DataPointer(source),
            Output = TensorMemory.DataPointer(output),
            Scale = scale,
            Layer = view.Layer,
            Tokens = tokens,
            AreFloats = areFloats ? 1 : 0,
        });
        GC.KeepAlive(source);
        if (output.dtype == queries.dtype)
        {
            return output;
        }

        using (output)
        {
            return output.to(queries.dtype);
        }
    }

    /// <summary>Gives scratch memory back.</summary>
    public void Dispose()
    {
        _prefill?.Dispose();
        _pages?.Dispose();
    }

    /// <summary>Compiles for a layout: a model is there before its caches are.</summary>
    private void Open(PackedPageLayout layout)
    {
        if (_layout == layout)
        {
            return;
        }

        var prefill = new PrefillAttention(kernels, layout, layout.Geometry.Device);
        Dispose();
        (_layout, _prefill, _pages) = (layout, prefill, new PageTableMemory(kernels, layout.Geometry.Device));
    }

    /// <summary>The start of a buffer of which this part is one layer's: [layers, 2 (keys, values), kvHeads, capacity, headDim].</summary>
    private static nint BufferStart(DensePart part, int layer) => TensorMemory.DataPointer(part.Keys) - (nint)(2 * layer * part.Keys.numel() * part.Keys.element_size());
}
