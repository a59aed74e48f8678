using System.Collections.Immutable;

namespace MixKVQ.AgentConnector.Cache.Precision;

/// <summary>The widths, in bits, of one layer's one KV head in one page. Immutable.</summary>
/// <param name="KeyWidths">[headDim]: a width for each key channel.</param>
/// <param name="ValueWidths">[128 · groups]: a width for each token's group of value channels.</param>
internal sealed record BlockPlan(ImmutableArray<byte> KeyWidths, ImmutableArray<byte> ValueWidths)
{
    /// <summary>One width for all keys and one for all values.</summary>
    public static BlockPlan Uniform(BlockStatistics block, byte keyWidth, byte valueWidth) =>
        new([.. Enumerable.Repeat(keyWidth, block.KeyMinima.Length)], [.. Enumerable.Repeat(valueWidth, block.ValueMinima.Length)]);
}
