using System.Globalization;

namespace MixKVQ.AgentConnector.Cache;

/// <summary>Refuses keys and values that are NaN or infinite: every later token would attend to them.</summary>
internal static class FiniteElements
{
    /// <summary>Throws where an element is not finite.</summary>
    /// <param name="elements">[layers, 2 (keys, values), kvHeads, rows, headDim].</param>
    /// <param name="geometry">The cache's geometry.</param>
    /// <param name="firstToken">Position of the first row.</param>
    /// <exception cref="ArithmeticException">An element is NaN or infinite; the message names layer, head, channel and position.</exception>
    public static void Require(ReadOnlySpan<float> elements, CacheGeometry geometry, int firstToken)
    {
        for (int i = 0; i < elements.Length; i++)
        {
            if (!float.IsFinite(elements[i]))
            {
                throw NotFinite(elements[i], i, elements.Length, geometry, firstToken);
            }
        }
    }

    private static ArithmeticException NotFinite(float element, int index, int length, CacheGeometry geometry, int firstToken)
    {
        int rows = length / (2 * geometry.BlockCount * geometry.HeadDim);
        (int vector, int channel) = Math.DivRem(index, geometry.HeadDim);
        (int line, int row) = Math.DivRem(vector, rows);
        (int part, int head) = Math.DivRem(line, geometry.KeyValueHeadCount);
        (int layer, int values) = Math.DivRem(part, 2);
        return new ArithmeticException(string.Create(
            CultureInfo.InvariantCulture,
            $"Layer {layer}, KV head {head}: channel {channel} of the {(values == 0 ? "key" : "value")} at position {firstToken + row} is {element}, which a cache cannot hold. " +
            $"The model's weights or its number type do not carry this input; try float32, or check the checkpoint."));
    }
}
