using MixKVQ.AgentConnector.Cache.Packing;

namespace MixKVQ.AgentConnector.Attention.Cpu;

/// <summary>Turns a packed line's codes into floats, without scale and zero; a line that is not quantized into its elements.</summary>
internal static class LineDecoder
{
    /// <summary>Writes the line at a place of the matrix's storage order.</summary>
    /// <param name="matrix">Opened on the matrix.</param>
    /// <param name="place">The line's place.</param>
    /// <param name="target">Room for the line's elements.</param>
    public static void Decode(MatrixReader matrix, int place, Span<float> target)
    {
        if (place >= matrix.Counts.Quantized)
        {
            matrix.ReadLine(place, target);
        }
        else
        {
            matrix.ReadCodes(place, target);
        }
    }
}
