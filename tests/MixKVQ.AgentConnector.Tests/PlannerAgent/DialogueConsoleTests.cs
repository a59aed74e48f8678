using PlannerAgent;
using Spectre.Console;

namespace MixKVQ.AgentConnector.Tests.PlannerAgent;

public sealed class DialogueConsoleTests
{
    [Fact]
    public void Pieces_OfOneKindStandOnOneLineAndAreFollowedByTheOthers()
    {
        using var output = new StringWriter();
        var console = new DialogueConsole(AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Out = new AnsiConsoleOutput(output),
        }));

        console.Thought("I ask ");
        console.Thought("Store-stock.");
        console.Call("Store-stock", """{"item":"[red]tin[/]"}""");
        console.Result("345\u001b[2J");
        console.Answer("34");
        console.Answer("5.");
        console.Note("end");

        Assert.Equal(
            ["thought I ask Store-stock.", """call    Store-stock {"item":"[red]tin[/]"}""", "result  345[2J", "answer  345.", "end"],
            output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd()));
    }
}
