using System.Globalization;
using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>Refuses keys and values that are NaN or infinite: every later token would attend to them.</summary>
internal static class FiniteElements
{
    /// <summary>Throws where an element is not finite.</summary>
    /// <param name="elements">[layers, 2 (keys, values), kvHeads, rows, headDim] in <paramref name="format"/>.</param>
    /// <param name="format">Their type.</param>
    /// <param name="geometry">The cache's geometry.</param>
    /// <param name="firstToken">Position of the first row.</param>
    /// <exception cref="ArithmeticException">An element is NaN or infinite; the message names layer, head, channel and position.</exception>
    public static void Require(ReadOnlySpan<byte> elements, ElementFormat format, CacheGeometry geometry, int firstToken)
    {
        if (format.AreFinite(elements))
        {
            return;
        }

        Span<float> vector = stackalloc float[geometry.HeadDim];
        int vectorBytes = vector.Length * format.Bytes();
        for (int at = 0; at < elements.Length; at += vectorBytes)
        {
            format.Read(elements.Slice(at, vectorBytes), vector);
            for (int channel = 0; channel < vector.Length; channel++)
            {
                if (!float.IsFinite(vector[channel]))
                {
                    throw NotFinite(vector[channel], channel, at / vectorBytes, elements.Length / vectorBytes, geometry, firstToken);
                }
            }
        }
    }

    private static ArithmeticException NotFinite(float element, int channel, int vector, int vectors, CacheGeometry geometry, int firstToken)
    {
        (int line, int row) = Math.DivRem(vector, vectors / (2 * geometry.BlockCount));
        (int part, int head) = Math.DivRem(line, geometry.KeyValueHeadCount);
        (int layer, int values) = Math.DivRem(part, 2);
        return new ArithmeticException(string.Create(
            CultureInfo.InvariantCulture,
            $"Layer {layer}, KV head {head}: channel {channel} of the {(values == 0 ? "key" : "value")} at position {firstToken + row} is {element}, which a cache cannot hold. " +
            $"The model's weights or its number type do not carry this input; try float32, or check the checkpoint."));
    }
}
