using MixKVQ.AgentConnector.Cache.Paging;
using MixKVQ.AgentConnector.Cache.Precision;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>Turns a full tail into a page. Nothing else changes, so a failure leaves the cache as it was.</summary>
internal interface IPageSealer
{
    /// <summary>Bytes of every page under a policy with a target; null where a page takes what its plan needs.</summary>
    int? FixedPageBytes { get; }

    /// <summary>Seals 128 tokens.</summary>
    /// <param name="tail">[layers, 2, kvHeads, 128, headDim], model dtype; borrowed.</param>
    /// <param name="statistics">Of the same tokens, of the kind that the cache's factory makes.</param>
    /// <param name="firstToken">Position of the first of them, for messages.</param>
    /// <returns>A page with one reference, the caller's.</returns>
    /// <exception cref="ArithmeticException">A key or value is NaN or infinite; the message names layer, head, channel and position.</exception>
    Page Seal(Tensor tail, IQueryStatistics statistics, int firstToken);

    /// <summary>Checks rows that no page takes in, or not yet.</summary>
    /// <param name="rows">[layers, 2, kvHeads, rows, headDim], model dtype; borrowed.</param>
    /// <param name="firstToken">Position of the first row.</param>
    /// <exception cref="ArithmeticException">A key or value is NaN or infinite; the message names layer, head, channel and position.</exception>
    void RequireFinite(Tensor rows, int firstToken);
}
