using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <content>Reads scales and zeros into the lines' order.</content>
internal sealed unsafe partial class VbmiMatrixFolding
{
    /// <summary>2^(i/16 − 16): scales of one byte are these times a power of two from 0 to 16, see <see cref="ScaleCode"/>.</summary>
    private static readonly float[] Mantissas = [.. Enumerable.Range(0, 16).Select(i => (float)Math.Pow(2, i / 16.0) / 65536)];

    private void ReadLines(byte* matrix, int zeroBytes)
    {
        ReadCodes(matrix + Offsets.Scales, Layout.ScaleBytes, _scales);
        ReadCodes(matrix + Offsets.Zeros, zeroBytes, _zeros);
        Vector512<float> mantissas = Vector512.Create(Mantissas) * *(float*)matrix;
        Vector512<float> origins = Vector512.Create(((float*)matrix)[1]), units = Vector512.Create(((float*)matrix)[2]);
        for (int i = 0; i < _padded; i += Vector512<float>.Count)
        {
            Vector512<int> largest = Widen(_largestCodes + i);
            Vector512<float> isRead = Vector512.GreaterThan(largest, Vector512<int>.Zero).AsSingle();
            Vector512<float> scales = (Layout.ScaleBytes == 1 ? Scale(Widen(_scales + i), mantissas) : (Widen(_scales + i, _padded) << 16).AsSingle()) & isRead;
            Vector512<int> zeroCodes = zeroBytes == 1 ? Widen(_zeros + i) : Widen(_zeros + i, _padded);
            Vector512<float> zeros = Avx512F.FusedMultiplyAdd(Vector512.ConvertToSingle(zeroCodes), units, origins);
            scales.Store(Scales + i);
            (Avx512F.FusedMultiplyAdd(scales, Vector512.ConvertToSingle(largest) * 0.5f, zeros) & isRead).Store(Centres + i);
        }

        CentreLinesOfEightBits();
    }

    /// <summary>unit · 2^((code − 255) / 16), and 0 for code 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Scale(Vector512<int> codes, Vector512<float> mantissas)
    {
        // The permutation looks at the lowest four bits only; the others count powers of two.
        Vector512<int> next = codes + Vector512<int>.One;
        Vector512<int> scales = Avx512F.PermuteVar16x32(mantissas, next).AsInt32() + ((next & Vector512.Create(~15)) << 19);
        return (scales & Vector512.GreaterThan(codes, Vector512<int>.Zero)).AsSingle();
    }

    /// <summary>Brings codes of one or two bytes from places to lines; high bytes go behind low bytes.</summary>
    private void ReadCodes(byte* codes, int bytes, byte* lines)
    {
        if (bytes == 1)
        {
            Permute(codes, _ranks, lines, Layout.LineCount);
            return;
        }

        for (int i = 0; i < Layout.LineCount; i += Vector512<ushort>.Count)
        {
            Vector512<ushort> words = Vector512.Load((ushort*)codes + i);
            Avx512BW.ConvertToVector256Byte(words).Store(_sorted + i);
            Avx512BW.ConvertToVector256Byte(words >>> 8).Store(_sorted + _padded + i);
        }

        Permute(_sorted, _ranks, lines, _padded);
        Permute(_sorted + _padded, _ranks, lines + _padded, _padded);
    }

    /// <summary>target[i] = table[indices[i]] for all padded lines, of a table of up to 256 bytes.</summary>
    private void Permute(byte* table, byte* indices, byte* target, int tableBytes)
    {
        for (int i = 0; i < _padded; i += Chunk)
        {
            Permute(table, Vector512.Load(indices + i), tableBytes).Store(target + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Permute(byte* table, Vector512<byte> indices, int tableBytes)
    {
        Vector512<byte> first = Vector512.Load(table);
        if (tableBytes <= Chunk)
        {
            return Avx512Vbmi.PermuteVar64x8(first, indices);
        }

        Vector512<byte> lower = Avx512Vbmi.PermuteVar64x8x2(first, indices, Vector512.Load(table + Chunk));
        if (tableBytes <= 2 * Chunk)
        {
            return lower;
        }

        Vector512<byte> third = Vector512.Load(table + 2 * Chunk);
        Vector512<byte> upper = tableBytes <= 3 * Chunk
            ? Avx512Vbmi.PermuteVar64x8(third, indices)
            : Avx512Vbmi.PermuteVar64x8x2(third, indices, Vector512.Load(table + 3 * Chunk));
        return Vector512.ConditionalSelect(Vector512.LessThan(indices.AsSByte(), Vector512<sbyte>.Zero).AsByte(), upper, lower);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Widen(byte* bytes) => Avx512F.ConvertToVector512Int32(Vector128.Load(bytes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Widen(byte* lowBytes, int highBytes) => Widen(lowBytes) | (Widen(lowBytes + highBytes) << 8);
}
