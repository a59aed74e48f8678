using System.Text.Json;
using System.Text.Json.Nodes;
using MixKVQ.AgentConnector.Chat;
using MixKVQ.AgentConnector.Sampling;

namespace MixKVQ.AgentConnector.Tests.Chat;

public sealed class LogitBiasReaderTests
{
    public static TheoryData<object> Maps =>
    [
        new Dictionary<int, float> { [7] = -100, [3] = 2.5f },
        new Dictionary<string, object> { ["7"] = -100, ["3"] = 2.5 },
        new Dictionary<long, decimal> { [7] = -100, [3] = 2.5m },
        new Dictionary<string, string> { ["7"] = "-100", ["3"] = "2.5" },
        new SortedList<int, double> { [7] = -100, [3] = 2.5 },
        JsonElement.Parse("""{"7": -100, "3": 2.5}"""),
        new JsonObject { ["7"] = -100, ["3"] = 2.5 },
        """{"7": -100, "3": 2.5}""",
    ];

    [Theory]
    [MemberData(nameof(Maps), DisableDiscoveryEnumeration = true)]
    public void UsualMaps_AreRead(object map)
    {
        List<string> faults = [];
        Assert.Equal([new TokenBias(3, 2.5f), new TokenBias(7, -100)], LogitBiasReader.Read(map, 8, faults));
        Assert.Empty(faults);
    }

    [Theory]
    [InlineData("""{"8": 1}""", "'8'")]
    [InlineData("""{"-1": 1}""", "'-1'")]
    [InlineData("""{"the": 1}""", "'the'")]
    [InlineData("""{"1": 100.5}""", "100.5")]
    [InlineData("""{"1": -101}""", "-101")]
    [InlineData("""{"1": 1e99}""", "1e99")]
    [InlineData("""{"1": "NaN"}""", "NaN")]
    [InlineData("""{"1": null}""", "null")]
    [InlineData("""{"1": 1, "01": 1}""", "twice")]
    [InlineData("[1, 2]", "a map")]
    [InlineData("much", "a map")]
    public void WhatIsWrong_IsNamed(string map, string named)
    {
        List<string> faults = [];
        LogitBiasReader.Read(map, 8, faults);
        Assert.Contains(named, Assert.Single(faults), StringComparison.Ordinal);
    }

    [Fact]
    public void ObjectsWithoutAJsonForm_AreFaults()
    {
        List<string> faults = [];
        LogitBiasReader.Read(new Dictionary<int, double> { [1] = double.NaN }, 8, faults);
        var endless = new Dictionary<string, object>();
        endless["1"] = endless;
        LogitBiasReader.Read(endless, 8, faults);
        Assert.Equal(2, faults.Count);
    }
}
