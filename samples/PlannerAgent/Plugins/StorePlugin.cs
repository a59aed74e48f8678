using System.ComponentModel;
using Microsoft.SemanticKernel;

namespace PlannerAgent.Plugins;

/// <summary>The warehouse as functions. Names and descriptions are those the planner model was trained with.</summary>
internal sealed class StorePlugin(Warehouse warehouse)
{
    /// <summary>The plugin's name before the model.</summary>
    public const string Name = "Store";

    [KernelFunction("stock")]
    [Description("Count of an item in stock.")]
    public object Stock(string item) => new { item, count = warehouse.Stock(item) };

    [KernelFunction("price")]
    [Description("Price of one piece of an item.")]
    public object Price(string item) => new { item, price = warehouse.Price(item) };

    [KernelFunction("supplier")]
    [Description("Supplier of an item.")]
    public object Supplier(string item) => new { item, supplier = warehouse.Supplier(item) };

    [KernelFunction("order")]
    [Description("Order a count of an item; gives the number of the order.")]
    public object Order(string item, int count) => new { order = warehouse.PlaceOrder(item, count), item, count };

    [KernelFunction("ship")]
    [Description("Ship an order to a city; gives the day it arrives.")]
    public object Ship(int order, string city) => new { order, city, day = warehouse.Ship(order) };
}
