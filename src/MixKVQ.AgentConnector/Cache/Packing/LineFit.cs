namespace MixKVQ.AgentConnector.Cache.Packing;

/// <summary>How a line's scale and zero are chosen.</summary>
internal enum LineFit
{
    /// <summary>They cover the line's range, so that no element is off by more than half a step.</summary>
    Range,

    /// <summary>They minimize the line's squared error; elements at the ends of the range are clipped. Better for the bell-shaped lines of rotated values.</summary>
    LeastSquares,
}
