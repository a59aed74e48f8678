using System.Runtime.InteropServices;
using MixKVQ.AgentConnector.GpuCheck.Measuring;
using TorchSharp;

namespace MixKVQ.AgentConnector.GpuCheck.Loading;

/// <summary>Whether everything loads, and what it runs on.</summary>
internal static class LoadStage
{
    /// <summary>Runs the stage.</summary>
    public static void Run(CheckMachine machine)
    {
        CheckReport report = machine.Report;
        report.Line($"- {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} processors, .NET {Environment.Version}, {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC");
        report.Line($"- libtorch {torch.__version__} for TorchSharp, from {machine.Options.TorchLibraryPath ?? "the program's folder"}");
        report.Line($"- memory: {CopySpeed.BytesAMillisecond(machine) / 1e6:F0} GB/s read and written by a copy from device to device");
    }
}
