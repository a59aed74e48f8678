using System.Runtime.CompilerServices;

namespace MixKVQ.AgentConnector.Cache.Cuda;

/// <summary>What each of the three steps up of a line's width saves, see <see cref="Precision.QuadSteps"/>.</summary>
[InlineArray(3)]
internal struct StepSavings
{
    private double _first;

    /// <summary>The savings of the steps in order.</summary>
    public static StepSavings Of(ReadOnlySpan<double> savings)
    {
        var copy = default(StepSavings);
        savings.CopyTo(copy);
        return copy;
    }
}
