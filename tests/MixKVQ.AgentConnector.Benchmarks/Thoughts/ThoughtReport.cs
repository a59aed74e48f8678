using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using MixKVQ.AgentConnector.Hosting;
using MixKVQ.AgentConnector.Tokens;

namespace MixKVQ.AgentConnector.Benchmarks.Thoughts;

/// <summary>
/// Prints what it costs to keep thoughts and to leave them out: <c>thoughts [MODEL-FOLDER [TOKENS-OF-A-THOUGHT]]</c>. The dialogue has 20 turns of two
/// thoughts, a call and an answer each. All of it is fixed, so that every run has the same text: the model computes every step and is told what to say.
/// It is let have a context longer than it was trained for, and a template that leaves earlier thoughts out, where its own keeps them.
/// </summary>
internal static class ThoughtReport
{
    private const int Turns = 20;

    private const int ContextLength = 32_768;

    private const string RendersThought = "{%- if message.reasoning_content %}";

    private const string RendersLateThought = "{%- if message.reasoning_content and loop.index0 > asked.last %}";

    private const string FindsQuestion = "{%- set asked = namespace(last=-1) %}{%- for message in messages %}{%- if message.role == 'user' %}{%- set asked.last = loop.index0 %}{%- endif %}{%- endfor %}";

    public static async Task RunAsync(string[] args)
    {
        string folder = args.Length > 0 ? args[0] : Path.Combine("samples", "model");
        int thoughtTokens = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 200;
        string copy = Directory.CreateTempSubdirectory("mixkvq-thoughts-").FullName;
        try
        {
            Copy(folder, copy);
            using var model = new FixedAnswers(ModelRuntime.Load(new MixKvqOptions { ModelPath = copy }, NullLoggerFactory.Instance), Template(copy));
            await new ThoughtRun(model, turns: 2, thoughtTokens).RunAsync(keepThoughts: false, isIdle: true);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Turns} turns, 2 thoughts of {thoughtTokens} tokens and one tool call in each; {folder}"));
            Console.WriteLine($"{"thoughts",-22} {"prefilled",9} {"idle",8} {"last prompt",11} {"KiB kept",9} {"first token: s in all",21} {"last turn ms",12} {"requests s",10}");
            Print("kept", await MeasureAsync(model, thoughtTokens, keepThoughts: true, isIdle: false));
            Print("left out, never idle", await MeasureAsync(model, thoughtTokens, keepThoughts: false, isIdle: false));
            Print("left out, idle between", await MeasureAsync(model, thoughtTokens, keepThoughts: false, isIdle: true));
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private static async Task<ThoughtRun> MeasureAsync(FixedAnswers model, int thoughtTokens, bool keepThoughts, bool isIdle)
    {
        var run = new ThoughtRun(model, Turns, thoughtTokens);
        await run.RunAsync(keepThoughts, isIdle);
        return run;
    }

    private static void Print(string name, ThoughtRun run) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{name,-22} {run.PrefilledTokens,9} {run.IdleTokens,8} {run.LastPromptTokens,11} {run.CacheBytes / 1024.0,9:F0} {run.SecondsToFirstToken.Sum(),21:F2} {1000 * run.SecondsToFirstToken[^1],12:F0} {run.BusySeconds,10:F1}"));

    private static void Copy(string folder, string copy)
    {
        foreach (string file in Directory.EnumerateFiles(folder))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        string path = Path.Combine(copy, "config.json");
        JsonNode config = JsonNode.Parse(File.ReadAllText(path))!;
        config["max_position_embeddings"] = Math.Max(ContextLength, (int)config["max_position_embeddings"]!);
        File.WriteAllText(path, config.ToJsonString());
    }

    private static ChatTemplate Template(string folder)
    {
        string source = ChatTemplate.Load(folder).Source;
        return source.Contains(RendersThought, StringComparison.Ordinal)
            ? ChatTemplate.Parse(FindsQuestion + source.Replace(RendersThought, RendersLateThought, StringComparison.Ordinal), "thoughts")
            : ChatTemplate.Load(folder);
    }
}
