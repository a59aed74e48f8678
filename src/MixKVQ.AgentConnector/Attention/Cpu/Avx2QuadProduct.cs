using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Eight elements of two fields of a low plane's 32 bytes, times up to four rows: 8 sums of 16 16-bit lanes, which stay in registers over all quads.
/// A lane sums two lines of an element.
/// </summary>
internal sealed unsafe class Avx2QuadProduct : QuadProduct
{
    /// <summary>Bytes of a quad's low plane that are taken at a time.</summary>
    private const int Step = 32;

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
        Vector256<byte> fifteen = Vector256.Create((byte)15);
        Vector128<ushort> shift = Vector128.CreateScalar((ushort)(2 * firstField));
        Vector256<short> a00 = default, a01 = default, a10 = default, a11 = default, a20 = default, a21 = default, a30 = default, a31 = default;
        byte* high = planes.High + start;
        sbyte* end = x + 4 * planes.EightQuads;
        for (sbyte* at = x; at < end; at += 4, high += 2 * length)
        {
            Vector256<byte> c0 = Avx2.ShiftRightLogical(Vector256.Load(high).AsUInt16(), shift).AsByte() & fifteen;
            Vector256<byte> c1 = Avx2.ShiftRightLogical(Vector256.Load(high + length).AsUInt16(), shift).AsByte() & fifteen;
            Add(c0, c1, at, ref a00, ref a01);
            AddIf(TRows.Count > 1, c0, c1, at + xStride, ref a10, ref a11);
            AddIf(TRows.Count > 2, c0, c1, at + 2 * xStride, ref a20, ref a21);
            AddIf(TRows.Count > 2, c0, c1, at + 3 * xStride, ref a30, ref a31);
        }

        Vector256<float> valid = Vector256.LessThan(Vector256<int>.Indices, Vector256.Create((length - start) / 4)).AsSingle();
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

    /// <summary>Two neighbouring fields, from <paramref name="firstField"/> on, of 32 bytes of each quad.</summary>
    private static void MultiplyFields<TRows>(
        in QuadPlanes planes, int start, int firstField, sbyte* x, nint xStride, float* units, float* constants, float* y, nint yStride, bool onto)
        where TRows : struct, IRowCount
    {
        int length = planes.LineLength;
        int half = length / 2;
        Vector128<ushort> shift = Vector128.CreateScalar((ushort)(2 * firstField));
        Vector256<byte> three = Vector256.Create((byte)3), four = Vector256.Create((byte)4), eight = Vector256.Create((byte)8);
        (int halfStart, int back) = start < half ? (start, half) : (start - half, 0);
        Vector256<byte> upper = Vector256.GreaterThan(Vector256<sbyte>.Indices, Vector256.Create((sbyte)(Math.Clamp(half - start, 0, Step) - 1))).AsByte();
        Vector256<short> a00 = default, a01 = default, a10 = default, a11 = default, a20 = default, a21 = default, a30 = default, a31 = default;
        byte* low = planes.Low + start, third = planes.Third + halfStart, fourth = planes.Fourth + halfStart;
        sbyte* at = x;
        sbyte* end = x + 4 * planes.FourthQuads;
        for (; at < end; at += 4, low += length, third += half, fourth += half)
        {
            Vector256<ushort> pairs = Avx2.ShiftRightLogical(Vector256.Load(low).AsUInt16(), shift);
            Vector256<ushort> t = Avx2.ShiftRightLogical(Bits(third, back, upper), shift), f = Avx2.ShiftRightLogical(Bits(fourth, back, upper), shift);
            Vector256<byte> c0 = (pairs.AsByte() & three) | ((t << 2).AsByte() & four) | ((f << 3).AsByte() & eight);
            Vector256<byte> c1 = ((pairs >>> 2).AsByte() & three) | (t.AsByte() & four) | ((f << 1).AsByte() & eight);
            Add(c0, c1, at, ref a00, ref a01);
            AddIf(TRows.Count > 1, c0, c1, at + xStride, ref a10, ref a11);
            AddIf(TRows.Count > 2, c0, c1, at + 2 * xStride, ref a20, ref a21);
            AddIf(TRows.Count > 2, c0, c1, at + 3 * xStride, ref a30, ref a31);
        }

        end = x + 4 * planes.ThirdQuads;
        for (; at < end; at += 4, low += length, third += half)
        {
            Vector256<ushort> pairs = Avx2.ShiftRightLogical(Vector256.Load(low).AsUInt16(), shift);
            Vector256<ushort> t = Avx2.ShiftRightLogical(Bits(third, back, upper), shift);
            Vector256<byte> c0 = (pairs.AsByte() & three) | ((t << 2).AsByte() & four);
            Vector256<byte> c1 = ((pairs >>> 2).AsByte() & three) | (t.AsByte() & four);
            Add(c0, c1, at, ref a00, ref a01);
            AddIf(TRows.Count > 1, c0, c1, at + xStride, ref a10, ref a11);
            AddIf(TRows.Count > 2, c0, c1, at + 2 * xStride, ref a20, ref a21);
            AddIf(TRows.Count > 2, c0, c1, at + 3 * xStride, ref a30, ref a31);
        }

        end = x + 4 * planes.Quads;
        for (; at < end; at += 4, low += length)
        {
            Vector256<ushort> pairs = Avx2.ShiftRightLogical(Vector256.Load(low).AsUInt16(), shift);
            Vector256<byte> c0 = pairs.AsByte() & three;
            Vector256<byte> c1 = (pairs >>> 2).AsByte() & three;
            Add(c0, c1, at, ref a00, ref a01);
            AddIf(TRows.Count > 1, c0, c1, at + xStride, ref a10, ref a11);
            AddIf(TRows.Count > 2, c0, c1, at + 2 * xStride, ref a20, ref a21);
            AddIf(TRows.Count > 2, c0, c1, at + 3 * xStride, ref a30, ref a31);
        }

        Vector256<float> valid = Vector256.LessThan(Vector256<int>.Indices, Vector256.Create((length - start) / 4)).AsSingle();
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

    /// <summary>A plane of single bits for 32 bytes of the low plane: bit 2·k of each byte belongs to field k. Lanes of the quad's upper half have it in the bit above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<ushort> Bits(byte* plane, int back, Vector256<byte> upper) =>
        Vector256.ConditionalSelect(upper, (Vector256.Load(plane - back).AsUInt16() >>> 1).AsByte(), Vector256.Load(plane)).AsUInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddIf(bool present, Vector256<byte> c0, Vector256<byte> c1, sbyte* x, ref Vector256<short> a0, ref Vector256<short> a1)
    {
        if (present)
        {
            Add(c0, c1, x, ref a0, ref a1);
        }
    }

    /// <summary>Adds the two fields' products with a row's four integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector256<byte> c0, Vector256<byte> c1, sbyte* x, ref Vector256<short> a0, ref Vector256<short> a1)
    {
        Vector256<sbyte> factors = Vector256.Create(*(int*)x).AsSByte();
        a0 += Avx2.MultiplyAddAdjacent(c0, factors);
        a1 += Avx2.MultiplyAddAdjacent(c1, factors);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* y, int field, float unit, float constant, bool onto, Vector256<float> valid, Vector256<short> a0, Vector256<short> a1)
    {
        (Vector256<float> units, Vector256<float> constants) = (Vector256.Create(unit), Vector256.Create(constant));
        Store(y, units, constants, onto, valid, a0);
        Store(y + field, units, constants, onto, valid, a1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* y, Vector256<float> unit, Vector256<float> constant, bool onto, Vector256<float> valid, Vector256<short> sums)
    {
        Vector256<float> before = Vector256.Load(y);
        Vector256<float> products = Vector256.ConvertToSingle(Avx2.MultiplyAddAdjacent(sums, Vector256<short>.One));
        Vector256<float> after = Fma.MultiplyAdd(products, unit, onto ? before + constant : constant);
        Vector256.ConditionalSelect(valid, after, before).Store(y);
    }
}
