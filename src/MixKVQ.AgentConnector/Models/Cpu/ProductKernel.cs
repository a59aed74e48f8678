using System.Runtime.Intrinsics;

namespace MixKVQ.AgentConnector.Models.Cpu;

/// <summary>
/// Products of a matrix's rows with a few vectors, in float32. Each product is summed in one order, whichever rows and vectors are taken together,
/// so that a result does not depend on the batch or on how rows are shared among threads.
/// </summary>
internal abstract unsafe class ProductKernel
{
    /// <summary>The kernel of the widest vectors that this machine has.</summary>
    public static ProductKernel Of(WeightFormat format) => OfAllWidths(format)[0];

    /// <summary>The kernels that this machine can run, widest first.</summary>
    public static IReadOnlyList<ProductKernel> OfAllWidths(WeightFormat format) => format switch
    {
        WeightFormat.Float32 => AllWidths<Float32Weights>(),
        WeightFormat.BFloat16 => AllWidths<BFloat16Weights>(),
        _ => AllWidths<Int8Weights>(),
    };

    /// <summary>y[v][r] = Σ_i w[r][i] · x[v][i].</summary>
    /// <param name="weights">The first row; rows follow one another.</param>
    /// <param name="rows">How many.</param>
    /// <param name="inputs">Weights of a row.</param>
    /// <param name="x">The vectors.</param>
    /// <param name="xStride">Floats from one vector to the next.</param>
    /// <param name="y">Receives the products.</param>
    /// <param name="yStride">Floats from one vector's products to the next one's.</param>
    /// <param name="vectors">How many.</param>
    public abstract void Multiply(byte* weights, int rows, int inputs, float* x, int xStride, float* y, int yStride, int vectors);

    private static List<ProductKernel> AllWidths<TFormat>()
        where TFormat : struct, IWeightFormat
    {
        List<ProductKernel> kernels = [];
        if (Lanes512.IsSupported)
        {
            kernels.Add(new ProductKernel<TFormat, Lanes512, Vector512<float>>());
        }

        if (Lanes256.IsSupported)
        {
            kernels.Add(new ProductKernel<TFormat, Lanes256, Vector256<float>>());
        }

        kernels.Add(new ProductKernel<TFormat, Lanes128, Vector128<float>>());
        return kernels;
    }
}
