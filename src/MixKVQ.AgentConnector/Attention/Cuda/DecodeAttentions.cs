using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;
using MixKVQ.AgentConnector.Native.Cuda;

namespace MixKVQ.AgentConnector.Attention.Cuda;

/// <summary>The decode attention of the page layout at hand: a model is there before its caches are.</summary>
/// <param name="device">Compiles and runs it.</param>
internal sealed class DecodeAttentions(IKernelDevice device) : IDisposable
{
    private PackedPageLayout? _layout;
    private DecodeAttention? _attention;

    /// <summary>Attention over caches like one; compiled when a layout is new, and kept while the next call has the same.</summary>
    /// <param name="view">A layer of any cache of the factory.</param>
    public DecodeAttention For(CacheView view)
    {
        if (_attention is null || view.Layout != _layout)
        {
            var attention = new DecodeAttention(device, view.Layout);
            _attention?.Dispose();
            (_layout, _attention) = (view.Layout, attention);
        }

        return _attention;
    }

    /// <summary>Gives scratch memory back.</summary>
    public void Dispose() => _attention?.Dispose();
}
