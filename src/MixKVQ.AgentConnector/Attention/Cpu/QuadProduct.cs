namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Integer product of folded rows with the codes of a packed matrix's quads: y_e = constant + unit · Σ_i x_i · code_ie. The upper four bits of 8 are
/// lines of their own, with integers of their own. Reads up to 63 bytes past a plane and half a quad before one, and up to 15 floats past y's last element, which it leaves as they are.
/// Stateless: safe for concurrent callers.
/// </summary>
internal abstract unsafe class QuadProduct
{
    /// <summary>The product in these instructions.</summary>
    public static QuadProduct For(CpuInstructions instructions) => instructions switch
    {
        CpuInstructions.Avx512 => new Avx512QuadProduct(),
        CpuInstructions.Avx2 => new Avx2QuadProduct(),
        _ => new PortableQuadProduct(),
    };

    /// <summary>Bytes of a quad's low plane that are taken at a time, and for which a line ahead is asked for; 0 where none is.</summary>
    public abstract int BytesPerLineAhead { get; }

    /// <summary>Computes the first <paramref name="rows"/> rows.</summary>
    /// <param name="planes">The matrix.</param>
    /// <param name="x">The rows, which no 16-bit lane overflows with, see <see cref="MatrixFolding"/>.</param>
    /// <param name="rows">1 to 4.</param>
    /// <param name="y">[rows, elements of a line].</param>
    /// <param name="yStride">Floats from row to row of y.</param>
    /// <param name="onto">Whether to add to what y holds, or to overwrite it.</param>
    public void Multiply(in QuadPlanes planes, FoldedRows x, int rows, float* y, nint yStride, bool onto)
    {
        sbyte* codes = x.Codes;
        float* units = x.Units, constants = x.Constants;
        switch (rows)
        {
            case 4:
                MultiplyAll<FourRows>(planes, codes, x.Stride, units, constants, y, yStride, onto);
                return;
            case 3:
                MultiplyAll<TwoRows>(planes, codes, x.Stride, units, constants, y, yStride, onto);
                MultiplyAll<OneRow>(planes, codes + 2 * x.Stride, x.Stride, units + 2, constants + 2, y + 2 * yStride, yStride, onto);
                return;
            case 2:
                MultiplyAll<TwoRows>(planes, codes, x.Stride, units, constants, y, yStride, onto);
                return;
            default:
                MultiplyAll<OneRow>(planes, codes, x.Stride, units, constants, y, yStride, onto);
                return;
        }
    }

    private void MultiplyAll<TRows>(
        in QuadPlanes planes, sbyte* x, nint xStride, float* units, float* constants, float* y, nint yStride, bool onto)
        where TRows : struct, IRowCount
    {
        Multiply<TRows>(planes, x, xStride, units, constants, y, yStride, onto);
        if (planes.EightQuads > 0)
        {
            AddUpperBits<TRows>(planes, x + xStride / 2, xStride, units + FoldedRows.MostRows, y, yStride);
        }
    }

    /// <summary>The lowest four bits, with a number of rows that the compiler knows.</summary>
    protected abstract void Multiply<TRows>(
        in QuadPlanes planes, sbyte* x, nint xStride, float* units, float* constants, float* y, nint yStride, bool onto)
        where TRows : struct, IRowCount;

    /// <summary>Adds the products of the upper four bits of 8: unit · Σ_i x_i · code_ie.</summary>
    protected abstract void AddUpperBits<TRows>(in QuadPlanes planes, sbyte* x, nint xStride, float* units, float* y, nint yStride)
        where TRows : struct, IRowCount;
}
