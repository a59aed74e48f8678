namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>The float loops over vectors of <typeparamref name="TVector"/>.</summary>
internal sealed unsafe class FloatKernelsOf<TVector, TFloats> : FloatKernels
    where TVector : struct
    where TFloats : struct, IFloatVectors<TVector>
{
    /// <inheritdoc/>
    public override int PanelWidth => PanelProduct<TVector, TFloats>.Width;

    /// <inheritdoc/>
    public override void DecodeLine(uint* codes, int lineOfQuad, int columns, float scale, float zero, float* target, int panelStride)
    {
        TVector scales = TFloats.Create(scale), zeros = TFloats.Create(zero);
        for (int column = 0; column < columns; column += PanelWidth, target += panelStride)
        {
            TFloats.Store(TFloats.MultiplyAdd(TFloats.ByteOfEach(codes + column, lineOfQuad), scales, zeros), target);
            TFloats.Store(TFloats.MultiplyAdd(TFloats.ByteOfEach(codes + column + TFloats.Count, lineOfQuad), scales, zeros), target + TFloats.Count);
        }
    }

    /// <inheritdoc/>
    public override void AddProduct(float* panels, int lines, int columns, float* x, int xStride, int rows, float* y, int yStride)
    {
        int width = PanelWidth;
        for (; columns >= width; columns -= width, panels += (long)lines * width, y += width)
        {
            PanelProduct<TVector, TFloats>.Add(panels, lines, x, xStride, rows, y, yStride);
        }

        if (columns > 0)
        {
            AddPart(panels, lines, columns, x, xStride, rows, y, yStride);
        }
    }

    /// <inheritdoc/>
    public override float Weigh(float* logits, int count, ref float largest) => SoftmaxRow<TVector, TFloats>.Weigh(logits, count, ref largest);

    /// <inheritdoc/>
    public override void Scale(float* y, float factor, int length)
    {
        int i = 0;
        TVector factors = TFloats.Create(factor);
        for (; i <= length - TFloats.Count; i += TFloats.Count)
        {
            TFloats.Store(TFloats.Multiply(TFloats.Load(y + i), factors), y + i);
        }

        for (; i < length; i++)
        {
            y[i] *= factor;
        }
    }

    /// <inheritdoc/>
    public override float WeightedSquares(float* x, float* weights, int length)
    {
        int i = 0;
        TVector sums = TFloats.Create(0);
        for (; i <= length - TFloats.Count; i += TFloats.Count)
        {
            TVector elements = TFloats.Load(x + i);
            sums = TFloats.MultiplyAdd(TFloats.Multiply(elements, elements), TFloats.Load(weights + i), sums);
        }

        float sum = TFloats.Sum(sums);
        for (; i < length; i++)
        {
            sum += x[i] * x[i] * weights[i];
        }

        return sum;
    }

    /// <summary>The product of a last panel that is not full: y has no room for whole vectors, so they go by way of a tile that has.</summary>
    private static void AddPart(float* panel, int lines, int columns, float* x, int xStride, int rows, float* y, int yStride)
    {
        const int TileRows = 6;
        int width = PanelProduct<TVector, TFloats>.Width;
        float* tile = stackalloc float[TileRows * width];
        for (; rows > 0; rows -= TileRows, x += (long)TileRows * xStride, y += (long)TileRows * yStride)
        {
            int count = Math.Min(rows, TileRows);
            new Span<float>(tile, count * width).Clear();
            PanelProduct<TVector, TFloats>.Add(panel, lines, x, xStride, count, tile, width);
            for (int row = 0; row < count; row++)
            {
                for (int column = 0; column < columns; column++)
                {
                    y[(long)row * yStride + column] += tile[row * width + column];
                }
            }
        }
    }
}
