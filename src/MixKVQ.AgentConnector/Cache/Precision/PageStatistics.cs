namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>What a policy knows of a page: its own tokens' keys, values and queries, nothing of later ones.</summary>
/// <param name="Blocks">[layer * kvHeads + head].</param>
/// <param name="HeadDim">Elements of a key or value vector.</param>
/// <param name="KeyLineLength">Elements that share a key channel's width: the page's tokens.</param>
/// <param name="ValueLineLength">Elements that share a value group's width.</param>
internal sealed record PageStatistics(IReadOnlyList<BlockStatistics> Blocks, int HeadDim, int KeyLineLength, int ValueLineLength);
