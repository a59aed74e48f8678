using Microsoft.Extensions.AI;
using MixKVQ.AgentConnector;
using PlannerAgent;
using Warehouse = PlannerAgent.Warehouse;

namespace MixKVQ.AgentConnector.Tests.PlannerAgent;

public sealed class PlannerSampleTests
{
    [Fact]
    public void CommandLine_IsReadWhole()
    {
        PlannerOptions options = PlannerOptions.Parse(["--model", "folder", "--seed", "7", "--policy", "mixkvq", "--bits", "3.25", "--interactive"]);
        var cache = new KvCacheOptions();
        options.Configure(cache);

        Assert.Equal(("folder", 7, true, false), (options.Model, options.Seed, options.Interactive, options.Help));
        Assert.Equal((KvCachePolicy.MixKvq, 3.25), (cache.Policy, cache.TargetBits));
    }

    [Theory]
    [InlineData("--seed", "one")]
    [InlineData("--policy", "7")]
    [InlineData("--bits")]
    [InlineData("--speed", "9")]
    [InlineData("--policy", "Uniform2", "--bits", "3")]
    public void CommandLine_FaultsAreNamed(params string[] arguments) =>
        Assert.Contains(arguments[0] == "--policy" && arguments.Length > 2 ? "--bits" : arguments[0], Assert.Throws<ArgumentException>(() => PlannerOptions.Parse(arguments)).Message, StringComparison.Ordinal);

    [Fact]
    public void ModelFolder_ThatIsNoneIsRefused() =>
        Assert.Contains("--model", Assert.Throws<DirectoryNotFoundException>(() => ModelFolder.Find(AppContext.BaseDirectory + "none")).Message, StringComparison.Ordinal);

    [Fact]
    public void Warehouse_GivesTheSameFactsForTheSameSeed()
    {
        Warehouse first = new(3);
        Warehouse second = new(3);

        Assert.Equal(Facts(first), Facts(second));
        Assert.Equal(Facts(first), Facts(first));

        static string Facts(Warehouse warehouse)
        {
            int order = warehouse.PlaceOrder("tin", 400);
            return $"{warehouse.Stock("tin")} {order} {warehouse.Price("tin")} {warehouse.Supplier("tin")} {warehouse.Ship(order)}";
        }
    }

    [Fact]
    public void Warehouse_CostsStayInThreeDigits()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            Warehouse warehouse = new(seed);
            int missing = 340 - warehouse.Stock("copper");
            warehouse.PlaceOrder("copper", missing);

            Assert.InRange(missing, 1, 999);
            Assert.InRange(missing * warehouse.Price("copper"), 1, 999);
        }
    }

    [Fact]
    public void Report_AddsUpRequestsAndKeepsTheLastCache()
    {
        var report = new TurnReport();
        report.Add(null);
        report.Add(End(input: 1000, cached: 0, output: 10, cacheBytes: 4_000));
        report.Add(End(input: 1030, cached: 1010, output: 30, cacheBytes: 5_000));

        Assert.Equal(
            "2 requests: 2,030 tokens in, 1,010 from the cache, 1,020 prefilled, 40 generated, 20 tokens/s; cache 5,000 bytes, 2.50 bits an element, 32,000 bytes in full precision",
            report.ToString());
    }

    private static Dictionary<string, object?> End(int input, int cached, int output, long cacheBytes) => new()
    {
        ["Usage"] = new UsageDetails
        {
            InputTokenCount = input,
            CachedInputTokenCount = cached,
            OutputTokenCount = output,
            AdditionalCounts = new() { [MixKvqMetadata.PrefilledTokens] = input - cached },
        },
        [MixKvqMetadata.CacheBytes] = cacheBytes,
        [MixKvqMetadata.CacheFullPrecisionBytes] = 32_000L,
        [MixKvqMetadata.CacheBitsPerElement] = 2.5,
        [MixKvqMetadata.TokensPerSecond] = 20.0,
    };
}
