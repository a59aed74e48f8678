namespace TrainPlannerModel.World;

/// <summary>The names of the warehouse world. Each is one token, so that a small model can copy it.</summary>
internal static class Names
{
    public static readonly string[] Items =
        ("copper tin glass steel brass zinc nickel cotton wool silk linen paper rubber cement bricks sand gravel timber " +
         "oak pine maple bolts nuts screws nails hinges wire cable pipes valves pumps motors gears belts chains lamps " +
         "fuses relays switches tiles paint glue resin salt sugar flour rice beans").Split(' ');

    public static readonly string[] Cities =
        ("Lyon Oslo Turin Porto Ghent Malmo Basel Krakow Riga Seville Bremen Leeds Dublin Tampere Graz Brno Varna Split " +
         "Nantes Utrecht Aarhus Zagreb Cork Bergen").Split(' ');

    public static readonly string[] Suppliers =
        ("Norda Velto Karvin Brenta Solvik Tamaro Ostend Hallum Mirano Pelton Zandor Fioro Lundex Arvika Dorset Quilon " +
         "Rastor Umbria Wexmar Yarrow Belmor Cintra Eskilo Galvex").Split(' ');

    public static readonly string[] Days = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".Split(' ');

    /// <summary>Parts of tool names, parameter names and result fields that thoughts, calls and results share.</summary>
    public static readonly string[] ToolWords =
        "Store Math stock price supplier order ship missing cost item count city needed".Split(' ');

    /// <summary>All words that carry no space of their own in the vocabulary.</summary>
    public static IEnumerable<string> Copied => [.. Items, .. Cities, .. Suppliers, .. Days, .. ToolWords];
}
