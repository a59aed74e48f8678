using System.Collections.Immutable;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>The widths, in bits, that a policy may give a line: at most four of 2, 3, 4, 8 and <see cref="Full"/>, ascending, so that two bits name one.</summary>
internal sealed class WidthPalette
{
    /// <summary>The width of a line that is not quantized: its elements keep the model's type (which for a float32 model is 32 bits wide).</summary>
    public const int Full = 16;

    public WidthPalette(params ImmutableArray<byte> widths)
    {
        if (widths.Length is 0 or > 4 || widths.Any(width => width is not (2 or 3 or 4 or 8 or Full)) || !widths.SequenceEqual(widths.Distinct().Order()))
        {
            throw new ArgumentException($"[{string.Join(", ", widths)}] is no palette: one to four of 2, 3, 4, 8 and 16, ascending.", nameof(widths));
        }

        Widths = widths;
    }

    /// <summary>The widths, ascending.</summary>
    public ImmutableArray<byte> Widths { get; }

    /// <summary>The width every line has at least.</summary>
    public byte Base => Widths[0];

    /// <summary>Bits that name a line's width: none where there is no choice.</summary>
    public int IndexBits => Widths.Length == 1 ? 0 : 2;

    /// <summary>Whether any line can be quantized at all.</summary>
    public bool HasQuantized => Base < Full;
}
