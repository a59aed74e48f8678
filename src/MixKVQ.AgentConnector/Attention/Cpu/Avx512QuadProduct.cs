using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>
/// Sixteen elements of four fields, 64 codes of each of the four fields of a low plane's 64 bytes, times up to four rows: 16 sums of 32 16-bit lanes, which stay in
/// registers over all quads. A lane sums two lines of an element.
/// </summary>
internal sealed unsafe class Avx512QuadProduct : QuadProduct
{
    /// <summary>Bytes of a quad's low plane that are taken at a time.</summary>
    private const int Step = 64;

    /// <inheritdoc/>
    public override int BytesPerLineAhead => Step;

    /// <inheritdoc/>
    protected override void Multiply<TRows>(
        in QuadPlanes planes, sbyte* x, nint xStride, float* units, float* constants, float* y, nint yStride, bool onto)
    {
        int length = planes.LineLength;
        int half = length / 2;
        Vector512<byte> lanes = Vector512<byte>.Indices;
        Vector512<byte> three = Vector512.Create((byte)3), four = Vector512.Create((byte)4), eight = Vector512.Create((byte)8);
        byte* ahead = planes.Ahead.Start;
        int aheadStep = planes.Ahead.Step;
        for (int start = 0; start < length; start += Step)
        {
            (int halfStart, int back) = start < half ? (start, half) : (start - half, 0);
            Vector512<byte> upper = Vector512.GreaterThanOrEqual(lanes, Vector512.Create((byte)Math.Clamp(half - start, 0, Step)));
            Vector512<short> a00 = default, a01 = default, a02 = default, a03 = default;
            Vector512<short> a10 = default, a11 = default, a12 = default, a13 = default;
            Vector512<short> a20 = default, a21 = default, a22 = default, a23 = default;
            Vector512<short> a30 = default, a31 = default, a32 = default, a33 = default;
            byte* low = planes.Low + start, third = planes.Third + halfStart, fourth = planes.Fourth + halfStart;
            sbyte* at = x;
            sbyte* end = x + 4 * planes.FourthQuads;
            for (; at < end; at += 4, low += length, third += half, fourth += half, ahead += aheadStep)
            {
                MemoryAhead.Fetch(ahead);
                Vector512<ushort> pairs = Vector512.Load(low).AsUInt16();
                Vector512<ushort> t = Bits(third, back, upper), f = Bits(fourth, back, upper);
                Vector512<byte> c0 = Insert(Insert(pairs.AsByte() & three, t << 2, four), f << 3, eight);
                Vector512<byte> c1 = Insert(Insert((pairs >>> 2).AsByte() & three, t, four), f << 1, eight);
                Vector512<byte> c2 = Insert(Insert((pairs >>> 4).AsByte() & three, t >>> 2, four), f >>> 1, eight);
                Vector512<byte> c3 = Insert(Insert((pairs >>> 6).AsByte() & three, t >>> 4, four), f >>> 3, eight);
                Add(c0, c1, c2, c3, at, ref a00, ref a01, ref a02, ref a03);
                AddIf(TRows.Count > 1, c0, c1, c2, c3, at + xStride, ref a10, ref a11, ref a12, ref a13);
                AddIf(TRows.Count > 2, c0, c1, c2, c3, at + 2 * xStride, ref a20, ref a21, ref a22, ref a23);
                AddIf(TRows.Count > 2, c0, c1, c2, c3, at + 3 * xStride, ref a30, ref a31, ref a32, ref a33);
            }

            end = x + 4 * planes.ThirdQuads;
            for (; at < end; at += 4, low += length, third += half, ahead += aheadStep)
            {
                MemoryAhead.Fetch(ahead);
                Vector512<ushort> pairs = Vector512.Load(low).AsUInt16();
                Vector512<ushort> t = Bits(third, back, upper);
                Vector512<byte> c0 = Insert(pairs.AsByte() & three, t << 2, four);
                Vector512<byte> c1 = Insert((pairs >>> 2).AsByte() & three, t, four);
                Vector512<byte> c2 = Insert((pairs >>> 4).AsByte() & three, t >>> 2, four);
                Vector512<byte> c3 = Insert((pairs >>> 6).AsByte() & three, t >>> 4, four);
                Add(c0, c1, c2, c3, at, ref a00, ref a01, ref a02, ref a03);
                AddIf(TRows.Count > 1, c0, c1, c2, c3, at + xStride, ref a10, ref a11, ref a12, ref a13);
                AddIf(TRows.Count > 2, c0, c1, c2, c3, at + 2 * xStride, ref a20, ref a21, ref a22, ref a23);
                AddIf(TRows.Count > 2, c0, c1, c2, c3, at + 3 * xStride, ref a30, ref a31, ref a32, ref a33);
            }

            end = x + 4 * planes.Quads;
            for (; at < end; at += 4, low += length, ahead += aheadStep)
            {
                MemoryAhead.Fetch(ahead);
                Vector512<ushort> pairs = Vector512.Load(low).AsUInt16();
                Vector512<byte> c0 = pairs.AsByte() & three;
                Vector512<byte> c1 = (pairs >>> 2).AsByte() & three;
                Vector512<byte> c2 = (pairs >>> 4).AsByte() & three;
                Vector512<byte> c3 = (pairs >>> 6).AsByte() & three;
                Add(c0, c1, c2, c3, at, ref a00, ref a01, ref a02, ref a03);
                AddIf(TRows.Count > 1, c0, c1, c2, c3, at + xStride, ref a10, ref a11, ref a12, ref a13);
                AddIf(TRows.Count > 2, c0, c1, c2, c3, at + 2 * xStride, ref a20, ref a21, ref a22, ref a23);
                AddIf(TRows.Count > 2, c0, c1, c2, c3, at + 3 * xStride, ref a30, ref a31, ref a32, ref a33);
            }

            Vector512<float> valid = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create((length - start) / 4)).AsSingle();
            float* to = y + start / 4;
            int field = length / 4;
            Store(to, field, units[0], constants[0], onto, valid, a00, a01, a02, a03);
            if (TRows.Count > 1)
            {
                Store(to + yStride, field, units[1], constants[1], onto, valid, a10, a11, a12, a13);
            }

            if (TRows.Count > 2)
            {
                Store(to + 2 * yStride, field, units[2], constants[2], onto, valid, a20, a21, a22, a23);
                Store(to + 3 * yStride, field, units[3], constants[3], onto, valid, a30, a31, a32, a33);
            }
        }
    }

    /// <inheritdoc/>
    protected override void AddUpperBits<TRows>(in QuadPlanes planes, sbyte* x, nint xStride, float* units, float* y, nint yStride)
    {
        int length = planes.LineLength;
        Vector512<byte> fifteen = Vector512.Create((byte)15);
        for (int start = 0; start < length; start += Step)
        {
            Vector512<short> a00 = default, a01 = default, a02 = default, a03 = default;
            Vector512<short> a10 = default, a11 = default, a12 = default, a13 = default;
            Vector512<short> a20 = default, a21 = default, a22 = default, a23 = default;
            Vector512<short> a30 = default, a31 = default, a32 = default, a33 = default;
            byte* high = planes.High + start;
            sbyte* end = x + 4 * planes.EightQuads;
            for (sbyte* at = x; at < end; at += 4, high += 2 * length)
            {
                Vector512<ushort> first = Vector512.Load(high).AsUInt16(), second = Vector512.Load(high + length).AsUInt16();
                Vector512<byte> c0 = first.AsByte() & fifteen;
                Vector512<byte> c1 = second.AsByte() & fifteen;
                Vector512<byte> c2 = (first >>> 4).AsByte() & fifteen;
                Vector512<byte> c3 = (second >>> 4).AsByte() & fifteen;
                Add(c0, c1, c2, c3, at, ref a00, ref a01, ref a02, ref a03);
                AddIf(TRows.Count > 1, c0, c1, c2, c3, at + xStride, ref a10, ref a11, ref a12, ref a13);
                AddIf(TRows.Count > 2, c0, c1, c2, c3, at + 2 * xStride, ref a20, ref a21, ref a22, ref a23);
                AddIf(TRows.Count > 2, c0, c1, c2, c3, at + 3 * xStride, ref a30, ref a31, ref a32, ref a33);
            }

            Vector512<float> valid = Vector512.LessThan(Vector512<int>.Indices, Vector512.Create((length - start) / 4)).AsSingle();
            float* to = y + start / 4;
            int field = length / 4;
            Store(to, field, units[0], 0, true, valid, a00, a01, a02, a03);
            if (TRows.Count > 1)
            {
                Store(to + yStride, field, units[1], 0, true, valid, a10, a11, a12, a13);
            }

            if (TRows.Count > 2)
            {
                Store(to + 2 * yStride, field, units[2], 0, true, valid, a20, a21, a22, a23);
                Store(to + 3 * yStride, field, units[3], 0, true, valid, a30, a31, a32, a33);
            }
        }
    }

    /// <summary>A plane of single bits for 64 bytes of the low plane: bit 2·k of each byte belongs to field k. Lanes of the quad's upper half have it in the bit above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ushort> Bits(byte* plane, int back, Vector512<byte> upper) =>
        Vector512.ConditionalSelect(upper, (Vector512.Load(plane - back).AsUInt16() >>> 1).AsByte(), Vector512.Load(plane)).AsUInt16();

    /// <summary>code | (bits &amp; mask).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Insert(Vector512<byte> code, Vector512<ushort> bits, Vector512<byte> mask) => Avx512F.TernaryLogic(code, bits.AsByte(), mask, 0xF8);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddIf(
        bool present, Vector512<byte> c0, Vector512<byte> c1, Vector512<byte> c2, Vector512<byte> c3, sbyte* x,
        ref Vector512<short> a0, ref Vector512<short> a1, ref Vector512<short> a2, ref Vector512<short> a3)
    {
        if (present)
        {
            Add(c0, c1, c2, c3, x, ref a0, ref a1, ref a2, ref a3);
        }
    }

    /// <summary>Adds the four fields' products with a row's four integers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(
        Vector512<byte> c0, Vector512<byte> c1, Vector512<byte> c2, Vector512<byte> c3, sbyte* x,
        ref Vector512<short> a0, ref Vector512<short> a1, ref Vector512<short> a2, ref Vector512<short> a3)
    {
        Vector512<sbyte> factors = Vector512.Create(*(int*)x).AsSByte();
        a0 += Avx512BW.MultiplyAddAdjacent(c0, factors);
        a1 += Avx512BW.MultiplyAddAdjacent(c1, factors);
        a2 += Avx512BW.MultiplyAddAdjacent(c2, factors);
        a3 += Avx512BW.MultiplyAddAdjacent(c3, factors);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(
        float* y, int field, float unit, float constant, bool onto, Vector512<float> valid,
        Vector512<short> a0, Vector512<short> a1, Vector512<short> a2, Vector512<short> a3)
    {
        (Vector512<float> units, Vector512<float> constants) = (Vector512.Create(unit), Vector512.Create(constant));
        Store(y, units, constants, onto, valid, a0);
        Store(y + field, units, constants, onto, valid, a1);
        Store(y + 2 * field, units, constants, onto, valid, a2);
        Store(y + 3 * field, units, constants, onto, valid, a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* y, Vector512<float> unit, Vector512<float> constant, bool onto, Vector512<float> valid, Vector512<short> sums)
    {
        Vector512<float> before = Vector512.Load(y);
        Vector512<float> products = Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(sums, Vector512<short>.One));
        Vector512<float> after = Avx512F.FusedMultiplyAdd(products, unit, onto ? before + constant : constant);
        Vector512.ConditionalSelect(valid, after, before).Store(y);
    }
}
