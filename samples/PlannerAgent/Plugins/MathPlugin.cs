using System.ComponentModel;
using Microsoft.SemanticKernel;

namespace PlannerAgent.Plugins;

/// <summary>The sums that the planner model leaves to tools.</summary>
internal sealed class MathPlugin
{
    /// <summary>The plugin's name before the model.</summary>
    public const string Name = "Math";

    [KernelFunction("missing")]
    [Description("How many are missing: needed less stock, at least 0.")]
    public static object Missing(int needed, int stock) => new { missing = Math.Max(0, (long)needed - stock) };

    [KernelFunction("cost")]
    [Description("Cost of a count of pieces at a price.")]
    public static object Cost(int count, int price) => new { cost = (long)count * price };
}
