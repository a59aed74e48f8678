namespace TrainPlannerModel;

/// <summary>The program's verb and its <c>--name value</c> options.</summary>
internal sealed class CommandLine
{
    private readonly Dictionary<string, string> _values = [];

    /// <exception cref="ArgumentException">An option has no value or no name.</exception>
    public CommandLine(string[] arguments)
    {
        Verb = arguments.Length > 0 ? arguments[0] : "";
        for (int i = 1; i < arguments.Length; i += 2)
        {
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal) || i + 1 == arguments.Length)
            {
                throw new ArgumentException($"'{arguments[i]}' is not an option with a value: write --name value.");
            }

            _values[arguments[i][2..]] = arguments[i + 1];
        }
    }

    public string Verb { get; }

    public string Text(string name, string otherwise) => _values.Remove(name, out string? value) ? value : otherwise;

    /// <exception cref="ArgumentException">The value is not a whole number from <paramref name="min"/>.</exception>
    public long Number(string name, long otherwise, long min)
    {
        string text = Text(name, $"{otherwise}");
        return long.TryParse(text, out long value) && value >= min
            ? value
            : throw new ArgumentException($"--{name} {text}: give a whole number from {min}.");
    }

    /// <exception cref="ArgumentException">An option was given that nothing asked for.</exception>
    public void RefuseOthers()
    {
        if (_values.Count > 0)
        {
            throw new ArgumentException($"Unknown for '{Verb}': {string.Join(", ", _values.Keys.Select(name => "--" + name))}.");
        }
    }
}
