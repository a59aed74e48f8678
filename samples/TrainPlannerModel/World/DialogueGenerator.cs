using System.Text.Json.Nodes;

namespace TrainPlannerModel.World;

/// <summary>Writes dialogues of the warehouse world: requests, and the one right course of thoughts, calls and answers for each.</summary>
/// <remarks>The same random source gives the same dialogues. Not thread-safe.</remarks>
internal sealed class DialogueGenerator(Random random)
{
    /// <summary>Requests of the planner sample; no generated dialogue contains one, so that the sample shows unseen work.</summary>
    public static readonly string[] Reserved =
    [
        "Note these codes: Riga 704, Graz 219, Cork 836.",
        "We need 340 copper. Order what is missing.",
        "Check the stock of tin, cable and wire.",
    ];

    // Several orders, and counts in stock asked for again, proved too much for this model to keep apart.
    private const int MaxOrders = 1;

    private Warehouse _warehouse = new(random);
    private Memory _memory = new();

    /// <summary>Writes a dialogue.</summary>
    /// <param name="turnCount">Number of user requests.</param>
    /// <param name="allTools">True offers every tool, false only those needed and a few others.</param>
    /// <param name="mostlyRecall">True makes two turns in three ask for something that came before.</param>
    public Dialogue Write(int turnCount, bool allTools, bool mostlyRecall = false)
    {
        while (true)
        {
            _warehouse = new Warehouse(random);
            _memory = new Memory();
            List<Turn> turns = [];
            while (turns.Count < turnCount)
            {
                turns.Add(WriteTurn(mostlyRecall));
            }

            if (!turns.Exists(turn => Reserved.Contains(turn.Request)))
            {
                return new Dialogue(Dialogue.SystemPrompt, PickTools(turns, allTools), turns);
            }
        }
    }

    private List<PlannerTool> PickTools(List<Turn> turns, bool allTools)
    {
        HashSet<PlannerTool> needed = [.. turns.SelectMany(turn => turn.Steps).Select(step => step.Tool).OfType<PlannerTool>()];
        PlannerTool[] tools = [.. PlannerTool.All.Where(tool => allTools || needed.Contains(tool) || random.OneIn(5))];
        random.Shuffle(tools);
        return [.. tools];
    }

    private Turn WriteTurn(bool mostlyRecall)
    {
        while (true)
        {
            Turn? turn = random.Next(mostlyRecall ? 45 : 20) switch
            {
                <= 4 => Restock(),
                5 or 6 => CheckStock(),
                7 => AskCost(),
                8 => AskSupplier(),
                9 or 10 => ShipOrder(),
                11 or 12 => WriteNote(),
                13 or 14 => CostOfOrder(),
                _ => Recall(),
            };
            if (turn is not null)
            {
                return turn;
            }
        }
    }

    private Turn? Restock()
    {
        string item = random.Pick(Names.Items);
        if (!_memory.Needed.Add(item))
        {
            return null;
        }

        int stock = _warehouse.Stock(item);
        _memory.Stock[item] = stock;
        bool isEnough = _memory.Orders.Count == MaxOrders || random.OneIn(4);
        int needed = isEnough ? random.Next(1, stock + 1) : random.Next(stock + 1, 981);
        string request = random.Pick<string>(
        [
            $"We need {needed} {item}. Order what is missing.",
            $"Restock {item}: we need {needed}.",
            $"See that there are {needed} {item} and order the rest.",
        ]);
        List<AssistantStep> steps =
        [
            Call($"needed {item} {needed}. I ask Store-stock for {item}.", PlannerTool.Stock, ("item", item)),
            Call($"{StockOf(item)}, needed {item} {needed}. I ask Math-missing.", PlannerTool.Missing, ("needed", needed), ("stock", stock)),
        ];
        int missing = Math.Max(0, needed - stock);
        if (missing == 0)
        {
            steps.Add(Answer($"missing {item} 0. I order nothing.", $"Nothing is missing: there are {stock} {item}."));
        }
        else
        {
            int order = PlaceOrder(steps, $"missing {item} {missing}. I call Store-order.", item, missing);
            steps.Add(Answer($"{OrderOf(item)}.", $"Order {order} is placed: {missing} {item}."));
        }

        return new Turn("restock", request, steps);
    }

    private Turn CheckStock()
    {
        int count = random.Pick([1, 2, 2, 3, 3]);
        string[] items = random.GetItems(Names.Items, count).Distinct().ToArray();
        string request = items.Length switch
        {
            1 => random.Pick<string>([$"How many {items[0]} are there?", $"Check the stock of {items[0]}."]),
            2 => $"Check the stock of {items[0]} and {items[1]}.",
            _ => $"Check the stock of {items[0]}, {items[1]} and {items[2]}.",
        };
        List<AssistantStep> steps = [];
        string thought = "";
        foreach (string item in items)
        {
            steps.Add(Call($"{thought}I ask Store-stock for {item}.", PlannerTool.Stock, ("item", item)));
            _memory.Stock[item] = _warehouse.Stock(item);
            thought = $"{StockOf(item)}. ";
        }

        string list = string.Join(", ", items.Select(item => $"{_warehouse.Stock(item)} {item}"));
        steps.Add(Answer($"{thought}That is all.", $"There are {list}."));
        return new Turn("check", request, steps);
    }

    private Turn? AskCost()
    {
        string item = random.Pick(Names.Items);
        if (!_memory.Needed.Add(item))
        {
            return null;
        }

        int price = _warehouse.Price(item);
        int count = random.Next(2, Math.Max(3, 999 / price));
        List<AssistantStep> steps = [];
        int cost = AddCost(steps, $"needed {item} {count}", item, count);
        steps.Add(Answer($"cost {item} {cost}.", $"{count} {item} cost {cost}."));
        string request = random.Pick<string>([$"What do {count} {item} cost?", $"Tell me the cost of {count} {item}."]);
        return new Turn("cost", request, steps);
    }

    private Turn? CostOfOrder()
    {
        if (_memory.Orders.Count == 0)
        {
            return null;
        }

        (string item, (int order, int count)) = random.Pick([.. _memory.Orders]);
        if (count > 499 || !_warehouse.TryFixPrice(item, 999 / count))
        {
            return null;
        }

        List<AssistantStep> steps = [];
        int cost = AddCost(steps, OrderOf(item), item, count);
        steps.Add(Answer($"cost {item} {cost}.", $"Order {order} costs {cost}."));
        return new Turn("cost of order", $"What does the order of {item} cost?", steps) { Recalled = $"{count}" };
    }

    private int AddCost(List<AssistantStep> steps, string known, string item, int count)
    {
        int price = _warehouse.Price(item);
        _memory.Price[item] = price;
        steps.Add(Call($"{known}. I ask Store-price for {item}.", PlannerTool.Price, ("item", item)));
        steps.Add(Call($"{PriceOf(item)}, {known.Split(", ")[^1]}. I ask Math-cost.", PlannerTool.Cost, ("count", count), ("price", price)));
        return count * price;
    }

    private Turn AskSupplier()
    {
        string item = random.Pick(Names.Items);
        string supplier = _warehouse.Supplier(item);
        _memory.Supplier[item] = supplier;
        return new Turn("supplier", random.Pick<string>([$"Who supplies {item}?", $"Find the supplier of {item}."]),
        [
            Call($"I ask Store-supplier for {item}.", PlannerTool.Supplier, ("item", item)),
            Answer($"{SupplierOf(item)}.", $"{supplier} supplies {item}."),
        ]);
    }

    private Turn? ShipOrder()
    {
        string[] items = [.. _memory.Orders.Keys.Where(item => !_memory.Arrival.ContainsKey(item))];
        if (items.Length == 0)
        {
            return null;
        }

        string item = random.Pick(items);
        int order = _memory.Orders[item].Order;
        string city = random.Pick(Names.Cities);
        string day = _warehouse.Ship(order);
        _memory.Arrival[item] = day;
        return new Turn("ship", random.Pick<string>([$"Ship the order of {item} to {city}.", $"Send the order of {item} to {city}."]),
        [
            Call($"{OrderOf(item)}. I call Store-ship to {city}.", PlannerTool.Ship, ("order", order), ("city", city)),
            Answer($"{ArrivalOf(item)}.", $"Order {order} arrives in {city} on {day}."),
        ])
        { Recalled = $"{order}" };
    }

    private Turn? WriteNote()
    {
        string[] cities = [.. Names.Cities.Where(city => !_memory.Code.ContainsKey(city))];
        int count = Math.Min(random.Pick([1, 2, 3, 4, 6]), cities.Length);
        if (count == 0)
        {
            return null;
        }

        random.Shuffle(cities);
        foreach (string city in cities.AsSpan(0, count))
        {
            _memory.Code[city] = random.Next(100, 1000);
        }

        string list = string.Join(", ", cities.Take(count).Select(city => $"{city} {_memory.Code[city]}"));
        return new Turn("note", $"Note these codes: {list}.", [Answer("I keep this in mind.", "Noted.")]);
    }

    private Turn? Recall()
    {
        switch (random.Next(6))
        {
            case 0 or 1 when _memory.Code.Count > 0:
                (string city, int code) = random.Pick([.. _memory.Code]);
                return Remember($"What is the code of {city}?", $"code {city} {code}.", $"{code}.", $"{code}");
            case 2 when _memory.Price.Count > 0:
                (string item, int price) = random.Pick([.. _memory.Price]);
                return Remember($"What was the price of {item}?", $"{PriceOf(item)}.", $"{price}.", $"{price}");
            case 3 when _memory.Supplier.Count > 0:
                (item, string supplier) = random.Pick([.. _memory.Supplier]);
                return Remember($"Who was the supplier of {item}?", $"{SupplierOf(item)}.", $"{supplier}.", supplier);
            case 4 when _memory.Orders.Count > 0:
                (item, (int order, _)) = random.Pick([.. _memory.Orders]);
                return Remember($"What is the number of the order of {item}?", $"{OrderOf(item)}.", $"{order}.", $"{order}");
            case 5 when _memory.Arrival.Count > 0:
                (item, string day) = random.Pick([.. _memory.Arrival]);
                return Remember($"When does the order of {item} arrive?", $"{ArrivalOf(item)}.", $"On {day}.", day);
            default:
                return null;
        }
    }

    private static Turn Remember(string request, string thought, string answer, string value) =>
        new("recall", request, [Answer(thought, answer)]) { Recalled = value };

    // A fact is thought of in the same words when it is learned and when it is remembered, and what it is about stands right before
    // the value: what a small model looks up best.
    private string StockOf(string item) => $"stock {item} {_memory.Stock[item]}";

    private string PriceOf(string item) => $"price {item} {_memory.Price[item]}";

    private string SupplierOf(string item) => $"supplier {item} {_memory.Supplier[item]}";

    private string OrderOf(string item) => $"order {item} {_memory.Orders[item].Order}, count {item} {_memory.Orders[item].Count}";

    private string ArrivalOf(string item) => $"ship {item} {_memory.Arrival[item]}";

    private int PlaceOrder(List<AssistantStep> steps, string thought, string item, int count)
    {
        int order = _warehouse.Order(item, count);
        _memory.Orders[item] = (order, count);
        steps.Add(Call(thought, PlannerTool.Order, ("item", item), ("count", count)));
        return order;
    }

    private AssistantStep Call(string thought, PlannerTool tool, params (string Name, JsonNode Value)[] arguments)
    {
        JsonObject json = new(arguments.Select(argument => KeyValuePair.Create(argument.Name, (JsonNode?)argument.Value)));
        return new AssistantStep(thought, tool, json, null) { Result = _warehouse.Call(tool.Name, json) };
    }

    private static AssistantStep Answer(string thought, string answer) => new(thought, null, null, answer);

    /// <summary>What the dialogue has established so far, by item or city.</summary>
    private sealed class Memory
    {
        /// <summary>Items that a request has named a count of; a second count would make the first ambiguous.</summary>
        public HashSet<string> Needed { get; } = [];

        public Dictionary<string, int> Code { get; } = [];

        public Dictionary<string, int> Stock { get; } = [];

        public Dictionary<string, int> Price { get; } = [];

        public Dictionary<string, string> Supplier { get; } = [];

        public Dictionary<string, (int Order, int Count)> Orders { get; } = [];

        public Dictionary<string, string> Arrival { get; } = [];
    }
}
