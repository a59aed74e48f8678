using System.Globalization;
using System.Text.RegularExpressions;
using PlannerAgent;
using Spectre.Console;

namespace MixKVQ.AgentConnector.Tests.PlannerAgent;

/// <summary>The main job with the embedded model, in process.</summary>
public sealed partial class PlannerScriptTests
{
    /// <summary>A request, a tool result and the marks around them; a prompt read twice is far longer.</summary>
    private const int MostNewTokensPerRequest = 64;

    [Fact]
    public async Task LaterTurns_PrefillOnlyNewTokens()
    {
        Assert.SkipUnless(File.Exists(Path.Combine(Fixtures.EmbeddedModel, "config.json")), "The embedded model is not in samples/model.");
        using var output = new StringWriter();
        var console = new DialogueConsole(AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(output) }));

        await PlannerProgram.RunAsync(PlannerOptions.Parse(["--model", Fixtures.EmbeddedModel]), console, TestContext.Current.CancellationToken);

        string text = output.ToString().ReplaceLineEndings(" ");
        Match[] reports = ReportRegex().Matches(text).ToArray();
        Assert.Equal(PlannerDialogue.Turns.Count, reports.Length);
        Assert.All(reports.Skip(1), report => Assert.InRange(Number(report, "prefilled"), 1, MostNewTokensPerRequest * Number(report, "requests")));
        Assert.All(reports, report => Assert.Equal(Number(report, "in"), Number(report, "cached") + Number(report, "prefilled")));
        Assert.All(reports, report => Assert.InRange(Number(report, "bytes"), 1, Number(report, "full")));
    }

    private static int Number(Match report, string name) => int.Parse(report.Groups[name].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(?<requests>\d+) requests?:\s+(?<in>[\d,]+)\s+tokens\s+in,\s+(?<cached>[\d,]+)\s+from\s+the\s+cache,\s+(?<prefilled>[\d,]+)\s+prefilled.*?cache\s+(?<bytes>[\d,]+)\s+bytes.*?element,\s+(?<full>[\d,]+)\s+bytes")]
    private static partial Regex ReportRegex();
}
