namespace PlannerAgent;

/// <summary>
/// The simulated warehouse behind the plugins: a fact is drawn when it is first asked for and stays. The same seed and
/// the same questions give the same facts. Safe for concurrent use.
/// </summary>
/// <param name="seed">Decides every fact.</param>
internal sealed class Warehouse(int seed)
{
    /// <summary>The planner model was trained on counts, prices and costs of three digits at most.</summary>
    private const int HighestNumber = 999;

    private static readonly string[] Suppliers = ["Norda", "Velto", "Karvin", "Brenta", "Solvik", "Tamaro", "Hallum", "Mirano", "Pelton", "Zandor"];
    private static readonly string[] Days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);
    private readonly Dictionary<string, int> _stock = [];
    private readonly Dictionary<string, int> _prices = [];
    private readonly Dictionary<string, string> _suppliers = [];
    private readonly Dictionary<int, string> _arrivals = [];
    private readonly List<Order> _orders = [];

    /// <summary>How many pieces there are.</summary>
    public int Stock(string item) => Fact(_stock, item, () => _random.Next(2, 330));

    /// <summary>The price of a piece; low enough that the item's orders cost three digits.</summary>
    public int Price(string item) => Fact(_prices, item, () => _random.Next(2, 1 + Math.Clamp(HighestNumber / HighestCount(item), 2, 89)));

    /// <summary>Who sells the item.</summary>
    public string Supplier(string item) => Fact(_suppliers, item, () => Suppliers[_random.Next(Suppliers.Length)]);

    /// <summary>Places an order and gives its number; the same order again gives the same number.</summary>
    public int PlaceOrder(string item, int count)
    {
        lock (_gate)
        {
            if (_orders.Find(order => order.Item == item && order.Count == count) is { } placed)
            {
                return placed.Number;
            }

            int number;
            do
            {
                number = _random.Next(100, HighestNumber + 1);
            }
            while (_orders.Exists(order => order.Number == number));
            _orders.Add(new Order(number, item, count));
            return number;
        }
    }

    /// <summary>The day on which an order arrives.</summary>
    public string Ship(int order) => Fact(_arrivals, order, () => Days[_random.Next(Days.Length)]);

    /// <summary>The first order of an item; null where there is none.</summary>
    public Order? OrderOf(string item)
    {
        lock (_gate)
        {
            return _orders.Find(order => order.Item == item);
        }
    }

    private int HighestCount(string item) => _orders.Where(order => order.Item == item).Select(order => order.Count).DefaultIfEmpty(1).Max();

    private TValue Fact<TKey, TValue>(Dictionary<TKey, TValue> facts, TKey key, Func<TValue> draw)
        where TKey : notnull
    {
        lock (_gate)
        {
            if (!facts.TryGetValue(key, out TValue? value))
            {
                facts[key] = value = draw();
            }

            return value;
        }
    }
}
