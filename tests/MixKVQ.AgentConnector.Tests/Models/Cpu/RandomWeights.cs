using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.Models.Cpu;

namespace MixKVQ.AgentConnector.Tests.Models.Cpu;

/// <summary>Random numbers as weights in memory and as what they stand for.</summary>
internal static class RandomWeights
{
    public static float[] Floats(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 4) - 2))];
    }

    public static (byte[] Bytes, double[] Values) Of(WeightFormat format, int count, int seed)
    {
        float[] floats = Floats(count, seed);
        switch (format)
        {
            case WeightFormat.Float32:
                return (MemoryMarshal.AsBytes(floats.AsSpan()).ToArray(), [.. floats.Select(value => (double)value)]);
            case WeightFormat.BFloat16:
                ushort[] halves = [.. floats.Select(value => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16))];
                return (MemoryMarshal.AsBytes(halves.AsSpan()).ToArray(), [.. halves.Select(half => (double)BitConverter.UInt32BitsToSingle((uint)half << 16))]);
            default:
                sbyte[] integers = [.. floats.Select(value => (sbyte)(value * 63.5f))];
                return (MemoryMarshal.AsBytes(integers.AsSpan()).ToArray(), [.. integers.Select(integer => (double)integer)]);
        }
    }
}
