using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>
/// The affine quantizer of one line: element = zero + scale · code, code from 0 to 2^bits − 1. Lines are a multiple of 8 elements, all finite, and vectors of 8
/// are used everywhere, so that a line's codes depend on the line alone.
/// </summary>
/// <param name="Scale">The step; 0 where all elements equal the zero.</param>
/// <param name="Zero">What code 0 stands for.</param>
internal readonly record struct AffineLine(float Scale, float Zero)
{
    /// <summary>At 2 bits, eight have 3 % less squared error than four on lines of 128, and sixteen another 0.4 %.</summary>
    private const int Refinements = 8;

    /// <summary>The largest code of a width.</summary>
    public static int MaxCode(int bits) => (1 << bits) - 1;

    /// <summary>
    /// Scale and zero of least squared error, found by alternating between nearest codes and the line fitted through them, from the range's quantizer on.
    /// </summary>
    public static AffineLine LeastSquares(ReadOnlySpan<float> elements, float minimum, float maximum, int bits)
    {
        // Sums are of distances from the minimum, so that lines far from zero lose nothing in float32.
        double count = elements.Length;
        double sumX = SumOfDistances(elements, minimum);
        var line = new AffineLine((float)(((double)maximum - minimum) / MaxCode(bits)), minimum);
        (double, double, double) before = default;
        for (int round = 0; round < Refinements && line.Scale > 0; round++)
        {
            (double sumC, double sumCC, double sumXC) = line.Moments(elements, minimum, bits);
            if ((sumC, sumCC, sumXC) == before)
            {
                break;
            }

            before = (sumC, sumCC, sumXC);
            double spread = count * sumCC - sumC * sumC;
            double scale = spread > 0 ? (count * sumXC - sumX * sumC) / spread : 0;
            if (!(scale > 0) || !float.IsFinite((float)scale))
            {
                break;
            }

            line = new AffineLine((float)scale, (float)(minimum + (sumX - scale * sumC) / count));
        }

        return line;
    }

    /// <summary>The line of this scale whose zero has the least squared error for the codes that this line gives the elements.</summary>
    /// <param name="elements">The elements.</param>
    /// <param name="origin">A number among them, from which sums are taken.</param>
    /// <param name="bits">The width.</param>
    public AffineLine WithBestZero(ReadOnlySpan<float> elements, float origin, int bits)
    {
        double sumC = Scale > 0 ? Moments(elements, origin, bits).SumC : 0;
        return this with { Zero = (float)(origin + (SumOfDistances(elements, origin) - Scale * sumC) / elements.Length) };
    }

    /// <summary>Puts the code nearest to each element into bits <paramref name="shift"/> … of <paramref name="codes"/>, where zeros are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void AddCodes(ReadOnlySpan<float> elements, int bits, int shift, Span<uint> codes)
    {
        if (Scale <= 0)
        {
            return;
        }

        Coder coder = new(this, bits);
        ref float first = ref MemoryMarshal.GetReference(elements);
        ref uint firstCode = ref MemoryMarshal.GetReference(codes[..elements.Length]);
        for (nuint i = 0; i < (nuint)elements.Length; i += (nuint)Vector256<float>.Count)
        {
            Vector256<uint> code = Vector256.ConvertToInt32Native(coder.Codes(Vector256.LoadUnsafe(ref first, i))).AsUInt32();
            (Vector256.LoadUnsafe(ref firstCode, i) | (code << shift)).StoreUnsafe(ref firstCode, i);
        }
    }

    /// <summary>Σ code, Σ code² and Σ (element − origin) · code.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private (double SumC, double SumCC, double SumXC) Moments(ReadOnlySpan<float> elements, float origin, int bits)
    {
        Coder coder = new(this, bits);
        Vector256<float> origins = Vector256.Create(origin);
        (Vector256<float> sumC, Vector256<float> sumCC, Vector256<float> sumXC) = (default, default, default);
        ref float first = ref MemoryMarshal.GetReference(elements);
        for (nuint i = 0; i < (nuint)elements.Length; i += (nuint)Vector256<float>.Count)
        {
            Vector256<float> x = Vector256.LoadUnsafe(ref first, i);
            Vector256<float> code = coder.Codes(x);
            sumC += code;
            sumCC = Vector256.MultiplyAddEstimate(code, code, sumCC);
            sumXC = Vector256.MultiplyAddEstimate(x - origins, code, sumXC);
        }

        return (Vector256.Sum(sumC), Vector256.Sum(sumCC), Vector256.Sum(sumXC));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double SumOfDistances(ReadOnlySpan<float> elements, float origin)
    {
        Vector256<float> origins = Vector256.Create(origin);
        Vector256<float> sum = default;
        ref float first = ref MemoryMarshal.GetReference(elements);
        for (nuint i = 0; i < (nuint)elements.Length; i += (nuint)Vector256<float>.Count)
        {
            sum += Vector256.LoadUnsafe(ref first, i) - origins;
        }

        return Vector256.Sum(sum);
    }

    /// <summary>The nearest codes of eight elements at a time.</summary>
    private readonly struct Coder(AffineLine line, int bits)
    {
        private readonly Vector256<float> _zero = Vector256.Create(line.Zero);
        private readonly Vector256<float> _lift = Vector256.Create(Lift(line.Scale));
        private readonly Vector256<float> _inverse = Vector256.Create(1 / (line.Scale * Lift(line.Scale)));
        private readonly Vector256<float> _largest = Vector256.Create((float)MaxCode(bits));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector256<float> Codes(Vector256<float> elements) =>
            Vector256.Round(Vector256.ClampNative((elements - _zero) * _lift * _inverse, Vector256<float>.Zero, _largest));

        /// <summary>The smallest float32 numbers have no finite inverse of their own.</summary>
        private static float Lift(float scale) => scale < 1e-30f ? 1e20f : 1;
    }
}
