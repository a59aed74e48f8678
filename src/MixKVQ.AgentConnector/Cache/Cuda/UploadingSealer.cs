using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Cache.Precision;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache.Cuda;

/// <summary>Seals a device's tails on the host and copies the pages to the device.</summary>
/// <param name="host">Seals, into pages of the process's memory.</param>
/// <param name="geometry">The shapes.</param>
/// <param name="pool">Where the device's pages live.</param>
internal sealed class UploadingSealer(IPageSealer host, CacheGeometry geometry, PagePool pool) : IPageSealer
{
    /// <inheritdoc/>
    public int? FixedPageBytes => host.FixedPageBytes;

    /// <inheritdoc/>
    public Page Seal(Tensor tail, IQueryStatistics statistics, int firstToken)
    {
        byte[] written = new byte[statistics.Bytes];
        statistics.Write(written);
        using var read = QueryStatistics.Read(geometry, written, CacheGeometry.PageTokens);
        Page sealedPage = host.Seal(tail, read, firstToken);
        try
        {
            Page page = pool.Rent(sealedPage.SlabBytes);
            page.Write(sealedPage.Bytes);
            page.Contents = sealedPage.Contents;
            return page;
        }
        finally
        {
            sealedPage.Release();
        }
    }

    /// <inheritdoc/>
    public void RequireFinite(Tensor rows, int firstToken) => host.RequireFinite(rows, firstToken);
}
