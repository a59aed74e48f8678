using MixKVQ.AgentConnector.Cache;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cuda;

/// <summary>What attention kernels are compiled with for a page layout; PackedMatrix.cuh says what the constants mean.</summary>
internal static class AttentionConstants
{
    private const int BitsOfWidth = 4;

    /// <summary>The constants of a layout.</summary>
    public static (string Name, int Value)[] Of(PackedPageLayout layout)
    {
        CacheGeometry geometry = layout.Geometry;
        return
        [
            ("HEAD_DIM", geometry.HeadDim),
            ("GROUP_SIZE", geometry.GroupSize),
            ("KV_HEADS", geometry.KeyValueHeadCount),
            ("VALUE_GROUP", layout.Values.LineLength),
            ("ELEMENT", (int)geometry.Format),
            ("SCALE_BYTES", layout.Keys.ScaleBytes),
            ("KEY_PALETTE", Palette(layout.Keys.Palette)),
            ("VALUE_PALETTE", Palette(layout.Values.Palette)),
            ("CORRECT_BIAS", layout.CorrectsKeyBias ? 1 : 0),
        ];
    }

    /// <summary>Four bits a width, the first lowest, 15 for full.</summary>
    private static int Palette(WidthPalette palette)
    {
        int constant = 0;
        for (int i = 0; i < palette.Widths.Length; i++)
        {
            constant |= Math.Min((int)palette.Widths[i], (1 << BitsOfWidth) - 1) << (BitsOfWidth * i);
        }

        return constant;
    }
}
