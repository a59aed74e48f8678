using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Four elements of two fields of a low plane's 16 bytes, times up to four rows: 8 sums of four 32-bit lanes. A lane sums the four lines of an element,
/// which is what Arm's dot product of bytes does in one instruction.
/// </summary>
internal sealed unsafe class PortableQuadProduct : QuadProduct
{
    /// <summary>Bytes of a quad's low plane that are taken at a time.</summary>
    private const int Step = 16;

    /// <inheritdoc/>
    public override int BytesPerLineAhead => 0;

    /// <inheritdoc/>
    protected override void Multiply<TRows>(
        in QuadPlanes planes, sbyte* x, nint xStride, float* units, float* constants, float* y, nint yStride, bool onto)
    {
        for (int start = 0; start < planes.LineLength; start += Step)
        {
            MultiplyFields<TRows>(planes, start, 0, x, xStride, units, constants, y + start / 4, yStride, onto);
            MultiplyFields<TRows>(planes, start, 2, x, xStride, units, constants, y + start / 4 + planes.LineLength / 2, yStride, onto);
        }
    }

    /// <inheritdoc/>
    protected override void AddUpperBits<TRows>(in QuadPlanes planes, sbyte* x, nint xStride, float* units, float* y, nint yStride)
    {
        for (int start = 0; start < planes.LineLength; start += Step)
        {
            // The lower four bits of each byte are of the fields 0 and 1, the upper of the fields 2 and 3.
            AddUpperBitsOfFields<TRows>(planes, start, 0, x, xStride, units, y + start / 4, yStride);
            AddUpperBitsOfFields<TRows>(planes, start, 2, x, xStride, units, y + start / 4 + planes.LineLength / 2, yStride);
        }
    }

    private static void AddUpperBitsOfFields<TRows>(in QuadPlanes planes, int start, int firstField, sbyte* x, nint xStride, float* units, float* y, nint yStride)
        where TRows : struct, IRowCount
    {
        int length = planes.LineLength;
        Vector128<byte> fifteen = Vector128.Create((byte)15);
        Vector128<int> a00 = default, a01 = default, a10 = default, a11 = default, a20 = default, a21 = default, a30 = default, a31 = default;
        byte* high = planes.High + start;
        sbyte* end = x + 4 * planes.EightQuads;
        for (sbyte* at = x; at < end; at += 4, high += 2 * length)
        {
            Vector128<byte> c0 = (Vector128.Load(high).AsUInt16() >>> (2 * firstField)).AsByte() & fifteen;
            Vector128<byte> c1 = (Vector128.Load(high + length).AsUInt16() >>> (2 * firstField)).AsByte() & fifteen;
            AddRows<TRows>(c0, c1, at, xStride, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
        }

        Vector128<float> valid = Vector128.LessThan(Vector128<int>.Indices, Vector128.Create((length - start) / 4)).AsSingle();
        Store(y, length / 4, units[0], 0, true, valid, a00, a01);
        if (TRows.Count > 1)
        {
            Store(y + yStride, length / 4, units[1], 0, true, valid, a10, a11);
        }

        if (TRows.Count > 2)
        {
            Store(y + 2 * yStride, length / 4, units[2], 0, true, valid, a20, a21);
            Store(y + 3 * yStride, length / 4, units[3], 0, true, valid, a30, a31);
        }
    }

    /// <summary>Two neighbouring fields, from <paramref name="firstField"/> on, of 16 bytes of each quad.</summary>
    private static void MultiplyFields<TRows>(
        in QuadPlanes planes, int start, int firstField, sbyte* x, nint xStride, float* units, float* constants, float* y, nint yStride, bool onto)
        where TRows : struct, IRowCount
    {
        int length = planes.LineLength;
        int half = length / 2;
        int shift = 2 * firstField;
        Vector128<byte> three = Vector128.Create((byte)3), four = Vector128.Create((byte)4), eight = Vector128.Create((byte)8);
        (int halfStart, int back) = start < half ? (start, half) : (start - half, 0);
        Vector128<byte> upper = Vector128.GreaterThanOrEqual(Vector128<byte>.Indices, Vector128.Create((byte)Math.Clamp(half - start, 0, Step)));
        Vector128<int> a00 = default, a01 = default, a10 = default, a11 = default, a20 = default, a21 = default, a30 = default, a31 = default;
        byte* low = planes.Low + start, third = planes.Third + halfStart, fourth = planes.Fourth + halfStart;
        for (int quad = 0; quad < planes.Quads; quad++, low += length, third += half, fourth += half, x += 4)
        {
            Vector128<ushort> pairs = Vector128.Load(low).AsUInt16() >>> shift;
            (Vector128<byte> c0, Vector128<byte> c1) = (pairs.AsByte() & three, (pairs >>> 2).AsByte() & three);
            if (quad < planes.ThirdQuads)
            {
                Vector128<ushort> t = Bits(third, back, upper) >>> shift;
                (c0, c1) = (c0 | ((t << 2).AsByte() & four), c1 | (t.AsByte() & four));
            }

            if (quad < planes.FourthQuads)
            {
                Vector128<ushort> f = Bits(fourth, back, upper) >>> shift;
                (c0, c1) = (c0 | ((f << 3).AsByte() & eight), c1 | ((f << 1).AsByte() & eight));
            }

            AddRows<TRows>(c0, c1, x, xStride, ref a00, ref a01, ref a10, ref a11, ref a20, ref a21, ref a30, ref a31);
        }

        Vector128<float> valid = Vector128.LessThan(Vector128<int>.Indices, Vector128.Create((length - start) / 4)).AsSingle();
        int field = length / 4;
        Store(y, field, units[0], constants[0], onto, valid, a00, a01);
        if (TRows.Count > 1)
        {
            Store(y + yStride, field, units[1], constants[1], onto, valid, a10, a11);
        }

        if (TRows.Count > 2)
        {
            Store(y + 2 * yStride, field, units[2], constants[2], onto, valid, a20, a21);
            Store(y + 3 * yStride, field, units[3], constants[3], onto, valid, a30, a31);
        }
    }

    /// <summary>A plane of single bits for 16 bytes of the low plane: bit 2·k of each byte belongs to field k. Lanes of the quad's upper half have it in the bit above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ushort> Bits(byte* plane, int back, Vector128<byte> upper) =>
        Vector128.ConditionalSelect(upper, (Vector128.Load(plane - back).AsUInt16() >>> 1).AsByte(), Vector128.Load(plane)).AsUInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRows<TRows>(
        Vector128<byte> c0, Vector128<byte> c1, sbyte* x, nint xStride, ref Vector128<int> a00, ref Vector128<int> a01, ref Vector128<int> a10, ref Vector128<int> a11,
        ref Vector128<int> a20, ref Vector128<int> a21, ref Vector128<int> a30, ref Vector128<int> a31)
        where TRows : struct, IRowCount
    {
        Add(c0, c1, x, ref a00, ref a01);
        if (TRows.Count > 1)
        {
            Add(c0, c1, x + xStride, ref a10, ref a11);
        }

        if (TRows.Count > 2)
        {
            Add(c0, c1, x + 2 * xStride, ref a20, ref a21);
            Add(c0, c1, x + 3 * xStride, ref a30, ref a31);
        }
    }

    /// <summary>Adds the two fields' products with a row's four integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector128<byte> c0, Vector128<byte> c1, sbyte* x, ref Vector128<int> a0, ref Vector128<int> a1)
    {
        Vector128<sbyte> factors = Vector128.Create(*(int*)x).AsSByte();
        a0 = AddDotProducts(a0, c0, factors);
        a1 = AddDotProducts(a1, c1, factors);
    }

    /// <summary>Adds to each lane the sum of its four bytes' products; codes are at most 15, so that the sums of two fit 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> AddDotProducts(Vector128<int> sums, Vector128<byte> codes, Vector128<sbyte> factors)
    {
        if (Dp.IsSupported)
        {
            return Dp.DotProduct(sums, codes.AsSByte(), factors);
        }

        Vector128<short> pairs = (codes.AsInt16() & Vector128.Create((short)0xFF)) * ((factors.AsInt16() << 8) >> 8) + (codes.AsInt16() >>> 8) * (factors.AsInt16() >> 8);
        return sums + ((pairs.AsInt32() << 16) >> 16) + (pairs.AsInt32() >> 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* y, int field, float unit, float constant, bool onto, Vector128<float> valid, Vector128<int> a0, Vector128<int> a1)
    {
        (Vector128<float> units, Vector128<float> constants) = (Vector128.Create(unit), Vector128.Create(constant));
        Store(y, units, constants, onto, valid, a0);
        Store(y + field, units, constants, onto, valid, a1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* y, Vector128<float> unit, Vector128<float> constant, bool onto, Vector128<float> valid, Vector128<int> sums)
    {
        Vector128<float> before = Vector128.Load(y);
        Vector128<float> after = Vector128.MultiplyAddEstimate(Vector128.ConvertToSingle(sums), unit, onto ? before + constant : constant);
        Vector128.ConditionalSelect(valid, after, before).Store(y);
    }
}
