using MixKVQ.AgentConnector.Cache.Packing;
using TorchSharp;
using static TorchSharp.torch;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>What a cache must know of its model: the shape of keys and values, their type and place, and how much each head's output weighs.</summary>
/// <param name="LayerCount">Decoder layers.</param>
/// <param name="QueryHeadCount">Query heads a layer; a multiple of <paramref name="KeyValueHeadCount"/>.</param>
/// <param name="KeyValueHeadCount">Key-value heads a layer.</param>
/// <param name="HeadDim">Elements of a key or value vector; a multiple of 8.</param>
/// <param name="DType">Type of keys and values: float32, bfloat16 or float16.</param>
/// <param name="Device">Where sinks and tail are held, and with a kernel device all else too.</param>
/// <param name="OutputWeights">
/// ‖W_o block‖² (Frobenius, squared) of each KV head's group of query heads, at [layer * KeyValueHeadCount + head]; null takes all as 1.
/// </param>
internal sealed record CacheGeometry(
    int LayerCount, int QueryHeadCount, int KeyValueHeadCount, int HeadDim, ScalarType DType, Device Device, float[]? OutputWeights)
{
    /// <summary>Tokens at the start of a conversation that are never quantized.</summary>
    public const int SinkTokens = 32;

    /// <summary>Tokens of a sealed page. Pages begin at 32 + 128·n.</summary>
    public const int PageTokens = 128;

    /// <summary>Sealed pages of a cache that holds as many tokens.</summary>
    public static int PagesIn(int tokens) => Math.Max(0, tokens - SinkTokens) / PageTokens;

    /// <summary>The highest page border (0, 32, 160, 288 …) that is not above <paramref name="tokens"/>.</summary>
    public static int PageBorder(int tokens) => tokens < SinkTokens ? 0 : SinkTokens + PagesIn(tokens) * PageTokens;

    /// <summary>Query heads that share one KV head.</summary>
    public int GroupSize => QueryHeadCount / KeyValueHeadCount;

    /// <summary>One layer's one KV head is a block; a page holds this many, layer by layer.</summary>
    public int BlockCount => LayerCount * KeyValueHeadCount;

    /// <summary>Key and value elements that one token adds over all layers and heads.</summary>
    public long ElementsPerToken => 2L * BlockCount * HeadDim;

    /// <summary>Bytes of one element in the model's type.</summary>
    public int ElementBytes => DType == ScalarType.Float32 ? 4 : 2;

    /// <summary>The model's type as pages name it.</summary>
    public ElementFormat Format => DType switch
    {
        ScalarType.Float32 => ElementFormat.Float32,
        ScalarType.BFloat16 => ElementFormat.BFloat16,
        _ => ElementFormat.Float16,
    };

    /// <summary>‖W_o block‖² of a block.</summary>
    public float OutputWeight(int block) => OutputWeights is null ? 1 : OutputWeights[block];

    /// <summary>Throws an <see cref="ArgumentException"/> that lists every fault; returns this geometry where there is none.</summary>
    public CacheGeometry Validated()
    {
        List<string> faults = [];
        if (LayerCount < 1 || KeyValueHeadCount < 1 || QueryHeadCount < 1 || QueryHeadCount % KeyValueHeadCount != 0)
        {
            faults.Add($"{LayerCount} layers, {QueryHeadCount} query heads and {KeyValueHeadCount} KV heads; all must be positive, and query heads a multiple of KV heads.");
        }

        if (HeadDim < 8 || HeadDim > 1024 || HeadDim % 8 != 0)
        {
            faults.Add($"a head dimension of {HeadDim}; it must be a multiple of 8 from 8 to 1024.");
        }

        if (DType is not (ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16))
        {
            faults.Add($"type {DType}; a cache holds float32, bfloat16 or float16.");
        }

        if (OutputWeights is not null && (OutputWeights.Length != BlockCount || !OutputWeights.All(w => float.IsFinite(w) && w >= 0)))
        {
            faults.Add($"{OutputWeights.Length} output weights; one finite, non-negative number for each of the {BlockCount} layer and KV head pairs is needed.");
        }

        return faults.Count == 0 ? this : throw new ArgumentException("The cache cannot be laid out for " + string.Join(" ", faults));
    }
}
