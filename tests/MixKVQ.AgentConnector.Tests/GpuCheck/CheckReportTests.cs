using MixKVQ.AgentConnector.GpuCheck;

namespace MixKVQ.AgentConnector.Tests.GpuCheck;

public sealed class CheckReportTests
{
    [Fact]
    public void AllOutputs_GetEveryLine()
    {
        using StringWriter screen = new(), file = new();
        var report = new CheckReport(screen, file);

        report.Table("a", "b");
        report.Row("1", "2");

        Assert.Equal("\n| a | b |\n|---|---|\n| 1 | 2 |\n", screen.ToString());
        Assert.Equal(screen.ToString(), file.ToString());
    }

    [Theory]
    [InlineData(4.0, 0)]
    [InlineData(3.99, 1)]
    [InlineData(double.NaN, 1)]
    public void WhatStaysBelowABar_IsMissedAndNoFailure(double reached, int missed)
    {
        var report = new CheckReport();

        report.Bar("speed", reached, 4);

        Assert.Equal(missed, report.Missed.Count);
        Assert.Empty(report.Failures);
    }

    [Fact]
    public void WhatIsWrong_IsAFailure()
    {
        var report = new CheckReport();

        Assert.Equal("ok", report.Require(true, "no"));
        Assert.Equal("FAILED", report.Require(false, "the sum is wrong"));
        report.Fail("it broke");

        Assert.Equal(["the sum is wrong", "it broke"], report.Failures);
    }
}
