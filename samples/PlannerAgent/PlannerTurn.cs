namespace PlannerAgent;

/// <summary>A request of the script.</summary>
/// <param name="Request">What the user says.</param>
/// <param name="Expected">What a right answer contains, from the warehouse as it stands after the turn.</param>
internal sealed record PlannerTurn(string Request, Func<Warehouse, IReadOnlyList<string>> Expected)
{
    /// <summary>Whether the answer tells all that it must.</summary>
    public bool IsAnsweredBy(string answer, Warehouse warehouse) =>
        Expected(warehouse).All(part => part.Length > 0 && answer.Contains(part, StringComparison.Ordinal));
}
