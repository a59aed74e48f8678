using Microsoft.SemanticKernel;
using PlannerAgent.Plugins;

namespace PlannerAgent;

/// <summary>The scripted dialogue: what is asked, and what each answer must tell.</summary>
internal static class PlannerDialogue
{
    /// <summary>The instructions that the planner model was trained with.</summary>
    public const string SystemPrompt = "You plan for a warehouse. Think, then call one tool or answer.";

    private const int NeededCopper = 340;

    /// <summary>
    /// The turns, in order: notes to keep, a plan of several calls, and follow-ups that refer back to all of them.
    /// </summary>
    public static IReadOnlyList<PlannerTurn> Turns { get; } =
    [
        new("Note these codes: Riga 704, Graz 219, Cork 836.", _ => ["Noted"]),
        new("We need 340 copper. Order what is missing.", store => [$"{store.OrderOf("copper")?.Number}", $"{NeededCopper - store.Stock("copper")}"]),
        new("Check the stock of tin, cable and wire.", store => [$"{store.Stock("tin")} tin", $"{store.Stock("cable")} cable", $"{store.Stock("wire")} wire"]),
        new("Who supplies tin?", store => [store.Supplier("tin")]),
        new("Ship the order of copper to Oslo.", store => [$"{store.OrderOf("copper")?.Number}", "Oslo", store.Ship(store.OrderOf("copper")?.Number ?? 0)]),
        new("What does the order of copper cost?", store => [$"{(NeededCopper - store.Stock("copper")) * store.Price("copper")}"]),
        new("What is the code of Graz?", _ => ["219"]),
        new("Who was the supplier of tin?", store => [store.Supplier("tin")]),
        new("What was the price of copper?", store => [$"{store.Price("copper")}"]),
        new("What is the number of the order of copper?", store => [$"{store.OrderOf("copper")?.Number}"]),
        new("When does the order of copper arrive?", store => [store.Ship(store.OrderOf("copper")?.Number ?? 0)]),
        new("What is the code of Cork?", _ => ["836"]),
    ];

    /// <summary>The tools, in the order in which the model is told of them.</summary>
    public static void AddPlugins(IKernelBuilderPlugins plugins, Warehouse warehouse)
    {
        plugins.AddFromObject(new StorePlugin(warehouse), StorePlugin.Name);
        plugins.AddFromObject(new MathPlugin(), MathPlugin.Name);
    }
}
