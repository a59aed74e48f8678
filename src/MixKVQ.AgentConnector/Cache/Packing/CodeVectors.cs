using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>Reads eight codes of scales or zeros at a time.</summary>
internal static class CodeVectors
{
    /// <summary>The first eight codes of one byte.</summary>
    public static Vector256<int> Bytes(ReadOnlySpan<byte> codes) =>
        Widen(Vector128.WidenLower(Vector128.CreateScalarUnsafe(MemoryMarshal.Read<ulong>(codes)).AsByte()));

    /// <summary>The first eight codes of two bytes.</summary>
    public static Vector256<int> Words(ReadOnlySpan<byte> codes) => Widen(Vector128.Create(codes).AsUInt16());

    private static Vector256<int> Widen(Vector128<ushort> codes) => Vector256.Create(Vector128.WidenLower(codes), Vector128.WidenUpper(codes)).AsInt32();
}
