using System.Text.Json.Nodes;

namespace TrainPlannerModel.World;

/// <summary>The simulated world behind the tools: fixed facts for each item, and numbers given to orders.</summary>
internal sealed class Warehouse(Random random)
{
    private readonly Dictionary<string, int> _stock = [];
    private readonly Dictionary<string, int> _price = [];
    private readonly Dictionary<string, string> _supplier = [];
    private readonly Dictionary<int, string> _arrival = [];
    private readonly Dictionary<(string, int), int> _orders = [];

    public int Stock(string item) => Fact(_stock, item, () => random.Next(2, 480));

    public int Price(string item) => Fact(_price, item, () => random.Next(2, 90));

    public string Supplier(string item) => Fact(_supplier, item, () => random.Pick(Names.Suppliers));

    public int Order(string item, int count) => Fact(_orders, (item, count), NewOrderNumber);

    public string Ship(int order) => Fact(_arrival, order, () => random.Pick(Names.Days));

    /// <summary>Fixes a price of at most <paramref name="highest"/>, unless the item has a higher one already.</summary>
    public bool TryFixPrice(string item, int highest) => Fact(_price, item, () => random.Next(2, highest + 1)) <= highest;

    /// <summary>Runs a call. The result is compact JSON; a call that no tool takes gives an error object.</summary>
    public string Call(string name, JsonObject arguments)
    {
        try
        {
            return name switch
            {
                "Store-stock" => Result(("item", Text("item")), ("count", Stock(Text("item")))),
                "Store-price" => Result(("item", Text("item")), ("price", Price(Text("item")))),
                "Store-supplier" => Result(("item", Text("item")), ("supplier", Supplier(Text("item")))),
                "Store-order" => Result(("order", Order(Text("item"), Number("count"))), ("item", Text("item")), ("count", Number("count"))),
                "Store-ship" => Result(("order", Number("order")), ("city", Text("city")), ("day", Ship(Number("order")))),
                "Math-missing" => Result(("missing", Math.Max(0, Number("needed") - Number("stock")))),
                "Math-cost" => Result(("cost", Number("count") * Number("price"))),
                _ => Result(("error", $"no tool {name}")),
            };
        }
        catch (Exception exception) when (exception is InvalidOperationException or FormatException or KeyNotFoundException or NullReferenceException)
        {
            return Result(("error", "bad arguments"));
        }

        string Text(string key) => arguments[key]!.GetValue<string>();
        int Number(string key) => arguments[key]!.GetValue<int>();
    }

    private int NewOrderNumber()
    {
        int number;
        do
        {
            number = random.Next(100, 1000);
        }
        while (_orders.ContainsValue(number));
        return number;
    }

    private static string Result(params (string Key, JsonNode Value)[] fields) =>
        new JsonObject(fields.Select(field => KeyValuePair.Create(field.Key, (JsonNode?)field.Value))).ToJsonString();

    private static TValue Fact<TKey, TValue>(Dictionary<TKey, TValue> facts, TKey key, Func<TValue> make)
        where TKey : notnull
    {
        if (!facts.TryGetValue(key, out TValue? value))
        {
            facts[key] = value = make();
        }

        return value;
    }
}
