using System.Diagnostics;
using System.Globalization;
using MixKVQ.AgentConnector.GpuCheck.Loading;
using MixKVQ.AgentConnector.Native;
using TorchSharp;

namespace MixKVQ.AgentConnector.GpuCheck;

/// <summary>Runs the stages, one after the other. A stage that fails does not keep the others from running.</summary>
internal static class CheckProgram
{
    private const int Done = 0;
    private const int Failed = 1;
    private const int CannotStart = 2;
    private const int BarMissed = 3;

    /// <summary>All stages, in the order in which they run.</summary>
    public static IReadOnlyList<CheckStage> Stages { get; } =
    [
        new("load", "the libraries, the memory's speed", LoadStage.Run),
    ];

    /// <summary>Runs what the command line asks for.</summary>
    /// <returns>The exit code: 0, 1 where something is wrong, 2 where nothing could be run, 3 where all is right but a bar was missed.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        CheckOptions options;
        try
        {
            options = CheckOptions.Read(arguments, [.. Stages.Select(stage => stage.Name)]);
            TorchLibrary.EnsureLoaded(options.TorchLibraryPath);
        }
        catch (Exception fault) when (fault is ArgumentException or DllNotFoundException)
        {
            await Console.Error.WriteLineAsync(fault.Message);
            return CannotStart;
        }

        if (!torch.cuda.is_available() || torch.cuda.device_count() <= options.DeviceIndex)
        {
            await Console.Error.WriteLineAsync(
                $"libtorch finds no GPU of index {options.DeviceIndex}. The check needs an NVIDIA driver and a PyTorch built for CUDA, whose folder torch/lib is given by --torch.");
            return CannotStart;
        }

        await using var file = new StreamWriter(options.ReportPath);
        var report = new CheckReport(Console.Out, file);
        var machine = new CheckMachine(new torch.Device(DeviceType.CUDA, options.DeviceIndex), options, report);
        long start = Stopwatch.GetTimestamp();
        foreach (CheckStage stage in Stages.Where(stage => options.Stages.Count == 0 || options.Stages.Contains(stage.Name)))
        {
            await RunAsync(stage, machine);
        }

        return Conclude(report, Stopwatch.GetElapsedTime(start));
    }

    private static async Task RunAsync(CheckStage stage, CheckMachine machine)
    {
        machine.Report.Line($"\n## {stage.Name}: {stage.About}\n");
        long start = Stopwatch.GetTimestamp();
        try
        {
            using var noGradients = torch.no_grad();
            await stage.RunAsync(machine);
        }
        catch (Exception fault)
        {
            // Whatever went wrong, the other stages have something to tell.
            machine.Report.Fail($"{stage.Name}: {fault}");
        }

        machine.Report.Line($"\n{stage.Name} took {Seconds(Stopwatch.GetElapsedTime(start))} s.");
    }

    private static int Conclude(CheckReport report, TimeSpan elapsed)
    {
        report.Line($"\n## Result\n\n{report.Failures.Count} failures, {report.Missed.Count} bars missed, {Seconds(elapsed)} s.");
        foreach (string failure in report.Failures)
        {
            report.Line($"- failed: {failure}");
        }

        foreach (string missed in report.Missed)
        {
            report.Line($"- missed: {missed}");
        }

        return report.Failures.Count > 0 ? Failed : report.Missed.Count > 0 ? BarMissed : Done;
    }

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture);
}
