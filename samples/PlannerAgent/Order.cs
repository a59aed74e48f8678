namespace PlannerAgent;

/// <summary>An order that was placed.</summary>
internal sealed record Order(int Number, string Item, int Count);
