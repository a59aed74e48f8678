using System.Runtime.Intrinsics;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>The float loops of attention over a matrix in panels (see <see cref="MatrixPanels"/>), for one vector width. Stateless: safe to share between threads.</summary>
internal abstract unsafe class FloatKernels
{
    /// <summary>Those that this machine can run, widest first. Each gives the same results but for rounding.</summary>
    public static IReadOnlyList<FloatKernels> Supported { get; } =
    [
        .. Vector512.IsHardwareAccelerated ? [new FloatKernelsOf<Vector512<float>, Float512>()] : (FloatKernels[])[],
        .. Vector256.IsHardwareAccelerated ? [new FloatKernelsOf<Vector256<float>, Float256>()] : (FloatKernels[])[],
        new FloatKernelsOf<Vector128<float>, Float128>(),
    ];

    /// <summary>The fastest of them.</summary>
    public static FloatKernels Best => Supported[0];

    /// <summary>Columns of a panel.</summary>
    public abstract int PanelWidth { get; }

    /// <summary>Writes a quantized line into its row of each panel: zero + scale · code. Columns beyond the line's, up to the panel's width, get any content.</summary>
    /// <param name="codes">A quad's codes, those of four lines in the bytes of each; room for whole panels.</param>
    /// <param name="lineOfQuad">Which of the four.</param>
    /// <param name="columns">Elements of the line.</param>
    /// <param name="scale">What a code is multiplied by.</param>
    /// <param name="zero">What code 0 stands for.</param>
    /// <param name="target">The line's row in the first panel.</param>
    /// <param name="panelStride">Floats from one panel to the next.</param>
    public abstract void DecodeLine(uint* codes, int lineOfQuad, int columns, float scale, float zero, float* target, int panelStride);

    /// <summary>y[r] += x[r] · B for each row r.</summary>
    /// <param name="panels">B.</param>
    /// <param name="lines">Lines of B, elements of a row of x.</param>
    /// <param name="columns">Columns of B, elements of a row of y.</param>
    /// <param name="x">The first row of x.</param>
    /// <param name="xStride">Floats from a row of x to the next.</param>
    /// <param name="rows">Rows of x and y.</param>
    /// <param name="y">The first row of y.</param>
    /// <param name="yStride">Floats from a row of y to the next.</param>
    public abstract void AddProduct(float* panels, int lines, int columns, float* x, int xStride, int rows, float* y, int yStride);

    /// <summary>Turns a row's logits into weights e^(l − largest) in place.</summary>
    /// <param name="logits">The row.</param>
    /// <param name="count">Its length; a multiple of <see cref="PanelWidth"/>.</param>
    /// <param name="largest">The largest logit of the row so far, −∞ for none; becomes that of these logits too.</param>
    /// <returns>The sum of the weights; 0, and weights of 0, where no logit so far is above −∞.</returns>
    public abstract float Weigh(float* logits, int count, ref float largest);

    /// <summary>y *= factor.</summary>
    public abstract void Scale(float* y, float factor, int length);

    /// <summary>Σ x² · weights.</summary>
    public abstract float WeightedSquares(float* x, float* weights, int length);
}
