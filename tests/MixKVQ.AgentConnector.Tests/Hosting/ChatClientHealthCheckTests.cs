using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.Hosting;

public sealed class ChatClientHealthCheckTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Client_IsDegradedUntilItIsLoaded_ThenHealthyUntilItIsDisposed()
    {
        var load = new TaskCompletionSource<IChatModel>();
        MixKvqChatClient client = Client(() => load.Task);
        await using ServiceProvider provider = Services(client).BuildServiceProvider();

        Assert.Equal(HealthStatus.Degraded, (await CheckAsync(provider)).Status);
        Task loading = client.LoadAsync(Cancellation);
        HealthReportEntry during = await CheckAsync(provider);
        Assert.Equal(HealthStatus.Degraded, during.Status);
        Assert.Contains("being loaded", during.Description, StringComparison.Ordinal);
        Assert.DoesNotContain("conversations", during.Data.Keys);
        load.SetResult(new ScriptedModel(_ => "Hello."));
        await loading;
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(provider)).Status);
        await client.DisposeAsync();
        Assert.Equal(HealthStatus.Unhealthy, (await CheckAsync(provider)).Status);
    }

    [Fact]
    public async Task FailedLoad_IsUnhealthyWithItsReason_UntilItIsTriedAgain()
    {
        int loads = 0;
        await using MixKvqChatClient client = Client(() => ++loads == 1 ? Task.FromException<IChatModel>(new InvalidDataException("config.json is broken")) : Task.FromResult<IChatModel>(new ScriptedModel(_ => "")));
        await using ServiceProvider provider = Services(client).BuildServiceProvider();
        await Assert.ThrowsAsync<InvalidDataException>(() => client.LoadAsync(Cancellation));

        HealthReportEntry failed = await CheckAsync(provider);
        Assert.Equal(HealthStatus.Unhealthy, failed.Status);
        Assert.Contains("config.json is broken", failed.Description, StringComparison.Ordinal);
        Assert.IsType<InvalidDataException>(failed.Exception);
        await client.LoadAsync(Cancellation);
        Assert.Equal(HealthStatus.Healthy, (await CheckAsync(provider)).Status);
    }

    [Fact]
    public async Task Data_SayWhatIsHeldAndWhatRuns()
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => "Hello.").CreateClient();
        await using ServiceProvider provider = Services(client).BuildServiceProvider();
        UsageDetails one = (await client.GetResponseAsync("Hi", cancellationToken: Cancellation)).Usage!;
        UsageDetails two = (await client.GetResponseAsync("How are you?", cancellationToken: Cancellation)).Usage!;
        await using IAsyncEnumerator<ChatResponseUpdate> open = client.GetStreamingResponseAsync("And now?", cancellationToken: Cancellation).GetAsyncEnumerator(Cancellation);
        await open.MoveNextAsync();

        IReadOnlyDictionary<string, object> data = (await CheckAsync(provider)).Data;
        long bytes = one.AdditionalCounts![MixKvqMetadata.CacheBytes] + two.AdditionalCounts![MixKvqMetadata.CacheBytes];
        long fullBytes = one.AdditionalCounts[MixKvqMetadata.CacheFullPrecisionBytes] + two.AdditionalCounts[MixKvqMetadata.CacheFullPrecisionBytes];
        Assert.Equal(
            new Dictionary<string, object>
            {
                ["model"] = "tiny",
                ["device"] = "cpu",
                ["running_turns"] = 1,
                ["conversations"] = 2,
                [MixKvqMetadata.CacheBytes] = bytes,
                [MixKvqMetadata.CacheFullPrecisionBytes] = fullBytes,
                [MixKvqMetadata.CacheBitsPerElement] = 16.0 * bytes / fullBytes,
            },
            data);
    }

    [Fact]
    public async Task KeyedClient_IsFoundBehindItsMiddleware()
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => "Hello.").CreateClient();
        var services = new ServiceCollection();
        services.AddLogging().AddKeyedChatClient("one", client).UseFunctionInvocation();
        services.AddHealthChecks().AddMixKvqChatClient(name: "local", serviceId: "one", HealthStatus.Degraded, ["ready"]).AddMixKvqChatClient(name: "missing", serviceId: "two");
        await using ServiceProvider provider = services.BuildServiceProvider();
        await client.LoadAsync(Cancellation);

        HealthReport report = await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancellation);
        Assert.Equal(HealthStatus.Healthy, report.Entries["local"].Status);
        Assert.Equal(["ready"], report.Entries["local"].Tags);
        Assert.Equal(HealthStatus.Unhealthy, report.Entries["missing"].Status);
        Assert.Contains("'two'", report.Entries["missing"].Exception!.Message, StringComparison.Ordinal);
        await client.DisposeAsync();
        report = await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancellation);
        Assert.Equal(HealthStatus.Degraded, report.Entries["local"].Status);
    }

    private static ServiceCollection Services(MixKvqChatClient client)
    {
        var services = new ServiceCollection();
        services.AddLogging().AddSingleton<IChatClient>(client);
        services.AddHealthChecks().AddMixKvqChatClient();
        return services;
    }

    private static async Task<HealthReportEntry> CheckAsync(ServiceProvider provider) =>
        (await provider.GetRequiredService<HealthCheckService>().CheckHealthAsync(Cancellation)).Entries["mixkvq"];

    private static MixKvqChatClient Client(Func<Task<IChatModel>> load) => new(new MixKvqOptions { ModelPath = "models/tiny" }, null, load, TimeProvider.System);
}
