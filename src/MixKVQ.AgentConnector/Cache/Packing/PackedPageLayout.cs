using System.Runtime.InteropServices;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>
/// How one page, 128 tokens of all layers and heads, lies in its slab. A block is one layer's one KV head; it has a matrix of keys and one of values for each
/// group of channels that shares a scale.
/// <code>
///   header    blocks · (1 + groups) · u32   offset of each matrix from the slab's start: [layer * kvHeads + head][keys, values of group 0, values of group 1 …]
///             padding                       to a multiple of 16
///   block 0   keys                          <see cref="MatrixLayout"/>: headDim lines (channels) of 128 elements (tokens)
///             values of group 0             <see cref="MatrixLayout"/>: 128 lines (tokens) of headDim / groups elements (channels)
///             values of group 1 …
///   block 1 … , each matrix a multiple of 16 bytes, without gaps
///   padding   up to the slab's end
/// </code>
/// With attention in view: q is brought into the keys' storage order once a page, and the scales fold into it,
/// logit_t = Σ_d (q_d · s_d) · code_dt + Σ_d q_d · z_d, the second sum once a page. For values p_t · s_t folds the same way.
/// </summary>
/// <param name="Geometry">Shape of the model's cache.</param>
/// <param name="Keys">Layout of a block's keys.</param>
/// <param name="Values">Layout of one group of a block's values.</param>
/// <param name="CorrectsKeyBias">
/// Whether a kernel takes half the variance of a logit's quantization error off the logit, Σ_d (q_d · s_d)² / 12 over quantized channels (q scaled as for logits):
/// E[e^(l + ε)] = e^l · e^(Var ε / 2) for normal ε, so that quantized tokens would outweigh exact ones. One number a page and query head.
/// </param>
internal sealed record PackedPageLayout(CacheGeometry Geometry, MatrixLayout Keys, MatrixLayout Values, bool CorrectsKeyBias)
{
    /// <summary>Bytes of the page header, its padding included.</summary>
    public int HeaderBytes => MatrixLayout.Align(OffsetBytes);

    /// <summary>Bytes of the page header's offsets.</summary>
    public int OffsetBytes => Geometry.BlockCount * MatricesPerBlock * sizeof(uint);

    /// <summary>Groups of channels in a value vector, each with its own width, scale and zero.</summary>
    public int ValueGroupCount { get; } = Geometry.HeadDim / Values.LineLength;

    /// <summary>Matrices of a block: the keys and each group of the values.</summary>
    public int MatricesPerBlock => 1 + ValueGroupCount;

    /// <summary>Bytes of a block's keys and values where every line has its base width.</summary>
    public int BaseBlockBytes(int keyZeroBytes, int valueZeroBytes) => Keys.BaseBytes(keyZeroBytes) + ValueGroupCount * Values.BaseBytes(valueZeroBytes);

    /// <summary>Bytes of a page whose every line has the widest width.</summary>
    public int MaxBytes => HeaderBytes + Geometry.BlockCount * (Keys.MaxBytes + ValueGroupCount * Values.MaxBytes);

    /// <summary>Where a block's keys begin in a page's slab.</summary>
    public int KeysOffset(ReadOnlySpan<byte> slab, int block) => (int)MemoryMarshal.Cast<byte, uint>(slab)[block * MatricesPerBlock];

    /// <summary>Where a group of a block's values begins in a page's slab.</summary>
    public int ValuesOffset(ReadOnlySpan<byte> slab, int block, int group) => (int)MemoryMarshal.Cast<byte, uint>(slab)[block * MatricesPerBlock + 1 + group];

    /// <summary>Writes the page header: offsets of all matrices, block by block, a block's keys before its values' groups.</summary>
    public void WriteOffsets(Span<byte> slab, ReadOnlySpan<int> offsets) => MemoryMarshal.AsBytes(offsets[..(OffsetBytes / sizeof(uint))]).CopyTo(slab);
}
