using System.Globalization;
using MixKVQ.AgentConnector.Tests.Checkpoints;

namespace MixKVQ.AgentConnector.Benchmarks.Conversations;

/// <summary>
/// Prints what keeping conversations is worth: <c>conversations [PART-OR-FOLDER…]</c>. The parts are <c>planner</c>, <c>random</c> and <c>long</c> (latency and bytes
/// with the embedded planner model, with random weights of Qwen3-0.6B's shape, and with 4 layers of it), <c>pressure</c> and <c>agents</c>; all of them where none is
/// named. A model's folder is measured as <c>random</c> is.
/// </summary>
internal static class ConversationBenchmark
{
    private const int Runs = 5;

    private static readonly string[] Parts = ["planner", "random", "long", "pressure", "agents"];

    /// <summary>Measures and prints the named parts.</summary>
    public static async Task RunAsync(string[] args)
    {
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"CPU, {Environment.ProcessorCount} cores, {DateTime.Today:yyyy-MM-dd}"));
        foreach (string part in args.Length == 0 ? Parts : args)
        {
            Console.WriteLine($"{Environment.NewLine}## {(Directory.Exists(part) ? Path.GetFileName(part) : part)}, load {Load}{Environment.NewLine}");
            await RunPartAsync(part);
            Console.WriteLine($"{Environment.NewLine}load {Load}");
        }
    }

    private static string Load => File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Trim() : "unknown";

    private static async Task RunPartAsync(string part)
    {
        switch (part)
        {
            case "planner":
                await LatencyTables.PrintAsync(PlannerModel.Folder, [(1000, Runs), (3900, Runs)]);
                break;
            case "random":
                using (ModelFolder folder = RandomModel.Write(layers: 28))
                {
                    await LatencyTables.PrintAsync(folder.Path, [(1000, 3), (4000, 1)]);
                }

                break;
            case "long":
                using (ModelFolder folder = RandomModel.Write(layers: 4))
                {
                    await LatencyTables.PrintAsync(folder.Path, [(1000, 3), (4000, 3), (16000, 1)]);
                }

                break;
            case "pressure":
                await PressureTable.PrintAsync(PlannerModel.Folder);
                break;
            case "agents":
                await AgentTable.PrintAsync(PlannerModel.Folder);
                break;
            default:
                await LatencyTables.PrintAsync(Path.GetFullPath(part), [(1000, 3), (4000, 1)]);
                break;
        }
    }
}
