using System.Globalization;
using MixKVQ.AgentConnector;

namespace PlannerAgent;

/// <summary>The command line, read.</summary>
internal sealed record PlannerOptions
{
    /// <summary>The text of <c>--help</c>.</summary>
    public static string Usage { get; } = $"""
        A planner agent on a local model whose quantized key-value cache survives its turns.

        Usage: PlannerAgent [options]
          --model FOLDER   the model (default: samples/model of this repository)
          --seed NUMBER    decides the warehouse's facts (default: 1)
          --policy NAME    how the cache is quantized: {string.Join(", ", Enum.GetNames<KvCachePolicy>())}
                           (default: {new KvCacheOptions().Policy})
          --bits NUMBER    true bits an element of a sealed page, for {nameof(KvCachePolicy.MixKvq)} (default: {new KvCacheOptions().TargetBits.ToString(CultureInfo.InvariantCulture)})
          --interactive    type the requests yourself; /quit ends
          --help           show this

        Exit code: 0 all went well, 1 failure, 2 bad command line, 3 a wrong answer in the script, 130 interrupted.
        """;

    /// <summary>The model's folder; null for the repository's own.</summary>
    public string? Model { get; private init; }

    /// <summary>Decides the warehouse's facts.</summary>
    public int Seed { get; private init; } = 1;

    /// <summary>How the cache is quantized; null for the default.</summary>
    public KvCachePolicy? Policy { get; private init; }

    /// <summary>True bits an element; null for the default.</summary>
    public double? Bits { get; private init; }

    /// <summary>Whether a person types.</summary>
    public bool Interactive { get; private init; }

    /// <summary>Whether only the usage is asked for.</summary>
    public bool Help { get; private init; }

    /// <summary>Reads the command line.</summary>
    /// <exception cref="ArgumentException">An option is unknown or has no good value; the message says which.</exception>
    public static PlannerOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new PlannerOptions();
        for (int i = 0; i < arguments.Count; i++)
        {
            string name = arguments[i];
            options = name switch
            {
                "--help" or "-h" => options with { Help = true },
                "--interactive" => options with { Interactive = true },
                "--model" => options with { Model = Value() },
                "--seed" => options with { Seed = int.TryParse(Value(), CultureInfo.InvariantCulture, out int seed) ? seed : throw Bad("a whole number") },
                "--policy" => options with { Policy = ReadPolicy(Value()) ?? throw Bad(string.Join(", ", Enum.GetNames<KvCachePolicy>())) },
                "--bits" => options with { Bits = double.TryParse(Value(), CultureInfo.InvariantCulture, out double bits) ? bits : throw Bad("a number") },
                _ => throw new ArgumentException($"Unknown option '{name}'."),
            };

            string Value() => ++i < arguments.Count ? arguments[i] : throw new ArgumentException($"{name} needs a value.");
            ArgumentException Bad(string allowed) => new($"{name} is '{arguments[i]}'; allowed: {allowed}.");
        }

        return options is { Bits: not null, Policy: not (null or KvCachePolicy.MixKvq) }
            ? throw new ArgumentException($"--bits is for the policy {nameof(KvCachePolicy.MixKvq)}; the policy {options.Policy} fixes its own.")
            : options;
    }

    /// <summary>Writes the cache's settings.</summary>
    public void Configure(KvCacheOptions cache)
    {
        cache.Policy = Policy ?? cache.Policy;
        cache.TargetBits = Bits ?? cache.TargetBits;
    }

    private static KvCachePolicy? ReadPolicy(string name) =>
        Enum.GetValues<KvCachePolicy>().Cast<KvCachePolicy?>().FirstOrDefault(policy => string.Equals($"{policy}", name, StringComparison.OrdinalIgnoreCase));
}
