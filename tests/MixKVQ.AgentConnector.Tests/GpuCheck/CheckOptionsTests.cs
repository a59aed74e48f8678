using MixKVQ.AgentConnector.GpuCheck;

namespace MixKVQ.AgentConnector.Tests.GpuCheck;

public sealed class CheckOptionsTests
{
    private static readonly string[] Stages = ["load", "parity"];

    [Fact]
    public void OptionsAndStages_ComeInAnyOrder()
    {
        var options = CheckOptions.Read(["parity", "--torch", "/torch/lib", "--device", "1", "load", "--model", "load", "--report", "report.md"], Stages);

        Assert.Equal(("/torch/lib", 1, "load", "report.md"), (options.TorchLibraryPath, options.DeviceIndex, options.ModelPath, options.ReportPath));
        Assert.Equal(["parity", "load"], options.Stages);
    }

    [Theory]
    [InlineData("'speed' is no stage; there are load, parity.", "speed")]
    [InlineData("--torch needs a value.", "load", "--torch")]
    [InlineData("--device is '-1'; it has to be the index of a GPU, from 0.", "--device", "-1")]
    public void WhatIsNotUnderstood_IsNamed(string message, params string[] arguments) =>
        Assert.StartsWith(message, Assert.Throws<ArgumentException>(() => CheckOptions.Read(arguments, Stages)).Message, StringComparison.Ordinal);

    [Fact]
    public void TheScript_RunsEveryStage()
    {
        string script = File.ReadAllText(Path.Combine(Fixtures.RepositoryRoot, "tests", "gpu", "check.sh"));

        Assert.Contains($"stages=({string.Join(' ', CheckProgram.Stages.Select(stage => stage.Name))})\n", script, StringComparison.Ordinal);
    }
}
