using System.Globalization;
using MixKVQ.AgentConnector.Cache;

namespace TrainPlannerModel.Evaluation;

/// <summary>What a policy was measured to hold and to cost.</summary>
/// <param name="Usage">The cache at the end of the last text.</param>
/// <param name="Faults">The first wrong step of each task not solved; it begins with the kind of turn and a colon.</param>
internal sealed record PolicyResult(PolicyRow Row, CacheUsage Usage, Divergence Divergence, int TaskCount, IReadOnlyList<string> Faults)
{
    /// <summary>The policy's row of the report's table.</summary>
    public string TableRow => string.Create(
        CultureInfo.InvariantCulture,
        $"| {Row.Name} | {Usage.SealedBitsPerElement:F2} | {Usage.BitsPerElement:F2} | {Usage.TotalBytes / 1024.0:F0} | {Divergence.Mean:F5} | {Divergence.Percentile99:F4} | {Divergence.GreedyAgreement:F4} | {TaskCount - Faults.Count} of {TaskCount} |");

    /// <summary>Where tasks went wrong, by kind of turn.</summary>
    public string FaultRow =>
        $"- {Row.Name}: {(Faults.Count == 0 ? "none" : string.Join(", ", Faults.GroupBy(fault => fault.Split(':')[0]).Select(group => $"{group.Count()} in {group.Key}")))}";
}
