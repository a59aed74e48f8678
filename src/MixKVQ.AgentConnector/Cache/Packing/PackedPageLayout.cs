using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>
/// How one page, 128 tokens of all layers and heads, lies in its slab. A block is one layer's one KV head.
/// <code>
///   header    blocks · 2 · u32     offset of each block's keys and values, from the slab's start: [layer * kvHeads + head] · 2 (keys, values)
///   block 0   keys    <see cref="MatrixLayout"/>: headDim lines (channels) of 128 elements (tokens)
///             values  <see cref="MatrixLayout"/>: 128 · groups lines (tokens' groups) of headDim / groups elements (channels)
///   block 1 … , without gaps
///   padding   up to the slab's end
/// </code>
/// With attention in view: q is brought into the keys' storage order once a page, and the scales fold into it,
/// logit_t = Σ_d (q_d · s_d) · code_dt + Σ_d q_d · z_d, the second sum once a page. For values p_t · s_t folds the same way.
/// </summary>
/// <param name="Geometry">Shape of the model's cache.</param>
/// <param name="Keys">Layout of a block's keys.</param>
/// <param name="Values">Layout of a block's values.</param>
/// <param name="CorrectsKeyBias">
/// Whether a kernel takes half the variance of a logit's quantization error off the logit, Σ_d (q_d · s_d)² / 12 over quantized channels (q scaled as for logits):
/// E[e^(l + ε)] = e^l · e^(Var ε / 2) for normal ε, so that quantized tokens would outweigh exact ones. One number a page and query head.
/// </param>
internal sealed record PackedPageLayout(CacheGeometry Geometry, MatrixLayout Keys, MatrixLayout Values, bool CorrectsKeyBias)
{
    /// <summary>Bytes of the page header.</summary>
    public int HeaderBytes => Geometry.BlockCount * 2 * sizeof(uint);

    /// <summary>Groups of channels in a value vector, each with its own width, scale and zero.</summary>
    public int ValueGroupCount => Geometry.HeadDim / Values.LineLength;

    /// <summary>Bytes of a block's keys and values where every line has its base width.</summary>
    public int BaseBlockBytes(int keyZeroBytes, int valueZeroBytes) => Keys.BaseBytes(keyZeroBytes) + Values.BaseBytes(valueZeroBytes);

    /// <summary>Bytes of a page whose every line has the widest width.</summary>
    public int MaxBytes => HeaderBytes + Geometry.BlockCount * (Keys.MaxBytes + Values.MaxBytes);

    /// <summary>Where a block's keys begin in a page's slab.</summary>
    public static int KeysOffset(ReadOnlySpan<byte> slab, int block) => (int)MemoryMarshal.Cast<byte, uint>(slab)[2 * block];

    /// <summary>Where a block's values begin in a page's slab.</summary>
    public static int ValuesOffset(ReadOnlySpan<byte> slab, int block) => (int)MemoryMarshal.Cast<byte, uint>(slab)[2 * block + 1];

    /// <summary>Writes a block's offsets to the page header.</summary>
    public static void WriteOffsets(Span<byte> slab, int block, int keysOffset, int valuesOffset)
    {
        Span<uint> header = MemoryMarshal.Cast<byte, uint>(slab);
        header[2 * block] = (uint)keysOffset;
        header[2 * block + 1] = (uint)valuesOffset;
    }
}
