using System.Text.Json.Nodes;

namespace TrainPlannerModel.World;

/// <summary>One step of the assistant: a thought, then either a call or an answer.</summary>
internal sealed record AssistantStep(string Thought, PlannerTool? Tool, JsonObject? Arguments, string? Answer)
{
    /// <summary>What the tool returned; set for calls.</summary>
    public string? Result { get; init; }
}

/// <summary>A user's request and the steps that serve it.</summary>
/// <param name="Kind">The kind of task, for reports: restock, cost, recall and so on.</param>
internal sealed record Turn(string Kind, string Request, IReadOnlyList<AssistantStep> Steps)
{
    /// <summary>The earlier value that a follow-up asks for or builds on, as it stood in the text; null for other turns.</summary>
    public string? Recalled { get; init; }
}

/// <summary>A whole dialogue: the tools on offer and the turns.</summary>
internal sealed record Dialogue(string System, IReadOnlyList<PlannerTool> Tools, IReadOnlyList<Turn> Turns)
{
    public const string SystemPrompt = "You plan for a warehouse. Think, then call one tool or answer.";
}
