using System.Text.Json.Nodes;

namespace TrainPlannerModel.World;

/// <summary>A tool of the warehouse world as the model sees it.</summary>
/// <param name="Name">Semantic Kernel's full name: plugin, hyphen, function.</param>
/// <param name="Description">What it does, for the model.</param>
/// <param name="Parameters">Names and JSON types, in call order; all required.</param>
internal sealed record PlannerTool(string Name, string Description, params (string Name, string Type)[] Parameters)
{
    public static readonly PlannerTool Stock = new("Store-stock", "Count of an item in stock.", ("item", "string"));
    public static readonly PlannerTool Price = new("Store-price", "Price of one piece of an item.", ("item", "string"));
    public static readonly PlannerTool Supplier = new("Store-supplier", "Supplier of an item.", ("item", "string"));
    public static readonly PlannerTool Order = new("Store-order", "Order a count of an item; gives the number of the order.", ("item", "string"), ("count", "integer"));
    public static readonly PlannerTool Ship = new("Store-ship", "Ship an order to a city; gives the day it arrives.", ("order", "integer"), ("city", "string"));
    public static readonly PlannerTool Missing = new("Math-missing", "How many are missing: needed less stock, at least 0.", ("needed", "integer"), ("stock", "integer"));
    public static readonly PlannerTool Cost = new("Math-cost", "Cost of a count of pieces at a price.", ("count", "integer"), ("price", "integer"));

    public static readonly PlannerTool[] All = [Stock, Price, Supplier, Order, Ship, Missing, Cost];

    /// <summary>The declaration a chat template renders.</summary>
    public JsonObject ToJson()
    {
        JsonObject properties = [];
        JsonArray required = [];
        foreach ((string name, string type) in Parameters)
        {
            properties[name] = new JsonObject { ["type"] = type };
            required.Add(name);
        }

        return new JsonObject
        {
            ["type"] = "function",
            ["function"] = new JsonObject
            {
                ["name"] = Name,
                ["description"] = Description,
                ["parameters"] = new JsonObject { ["type"] = "object", ["properties"] = properties, ["required"] = required },
            },
        };
    }
}
