using Spectre.Console;

namespace PlannerAgent;

/// <summary>
/// Prints a dialogue as it comes: thoughts dim, calls, results and answers apart. Plain where the output is redirected.
/// Text of the model and of tools is printed without its control characters. Not thread-safe.
/// </summary>
internal sealed class DialogueConsole(IAnsiConsole console)
{
    private static readonly Style Dim = new(decoration: Decoration.Dim);
    private static readonly Style User = new(decoration: Decoration.Bold);
    private static readonly Style Tool = new(Color.Aqua);
    private static readonly Style Wrong = new(Color.Red);

    private string? _open;

    /// <summary>The process's console.</summary>
    public static DialogueConsole Create()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings());
        if (Console.IsOutputRedirected)
        {
            // Whoever reads lines wants them whole.
            console.Profile.Width = short.MaxValue;
        }

        return new DialogueConsole(console);
    }

    /// <summary>A line about the program itself.</summary>
    public void Note(string text) => Line("", text, Dim);

    /// <summary>A line about what went wrong.</summary>
    public void Fault(string text) => Line("", text, Wrong);

    /// <summary>What the user asks.</summary>
    public void Request(string text)
    {
        console.WriteLine();
        Line("user    ", text, User);
    }

    /// <summary>A piece of a thought.</summary>
    public void Thought(string piece) => Piece("thought ", piece, Dim);

    /// <summary>A piece of an answer.</summary>
    public void Answer(string piece) => Piece("answer  ", piece, Style.Plain);

    /// <summary>A call, with its arguments as JSON.</summary>
    public void Call(string name, string arguments) => Line("call    ", $"{name} {arguments}", Tool);

    /// <summary>What a call returned.</summary>
    public void Result(string result) => Line("result  ", result, Tool);

    /// <summary>The figures of a turn.</summary>
    public void Report(TurnReport report) => Line("", $"[{report}]", Dim);

    /// <summary>Asks for a line; null at the input's end.</summary>
    public string? ReadRequest()
    {
        Close();
        console.WriteLine();
        console.Write("user    ", User);
        return Console.ReadLine();
    }

    private static string Printable(string text) => string.Concat(text.Where(letter => letter == '\n' || !char.IsControl(letter)));

    private void Line(string label, string text, Style style)
    {
        Close();
        console.Write(new Text(label + Printable(text), style));
        console.WriteLine();
    }

    private void Piece(string label, string piece, Style style)
    {
        if (_open != label)
        {
            Close();
            _open = label;
            console.Write(new Text(label, style));
        }

        console.Write(new Text(Printable(piece), style));
    }

    private void Close()
    {
        if (_open is not null)
        {
            _open = null;
            console.WriteLine();
        }
    }
}
