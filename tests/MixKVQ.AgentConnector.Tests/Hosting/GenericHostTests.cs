using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using MixKVQ.AgentConnector.Hosting;
using MixKVQ.AgentConnector.Tests.Conversations;
using MixKVQ.AgentConnector.Tests.Models;

namespace MixKVQ.AgentConnector.Tests.Hosting;

/// <summary>Registered clients in a generic host, from start to stop.</summary>
public sealed class GenericHostTests : IDisposable
{
    private readonly TinyModel _model = new("""{ "model_type": "qwen3", "vocab_size": 300, "hidden_size": 64, "head_dim": 64, "num_attention_heads": 2, "num_key_value_heads": 1, "tie_word_embeddings": true }""");

    public GenericHostTests() => TinyTokenizer.Write(_model.Folder);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(null)]
    [InlineData("local")]
    public async Task Client_IsLoadedByTheHostAndStopsWithIt(string? serviceId)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        _ = serviceId is null ? builder.Services.AddMixKvqChatClient(Configure) : builder.Services.AddKeyedMixKvqChatClient(serviceId, Configure);
        builder.Services.AddHealthChecks().AddMixKvqChatClient(serviceId: serviceId);
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        await host.Services.GetServices<IHostedService>().OfType<ChatClientHost>().Single().Loading.WaitAsync(TimeSpan.FromSeconds(60), Cancellation);

        IChatClient client = host.Services.GetRequiredKeyedService<IChatClient>(serviceId);
        HealthCheckService health = host.Services.GetRequiredService<HealthCheckService>();
        Assert.Equal(HealthStatus.Healthy, (await health.CheckHealthAsync(Cancellation)).Status);
        Assert.Equal(4, (await client.GetResponseAsync("Hi", new ChatOptions { MaxOutputTokens = 4 }, Cancellation)).Usage!.OutputTokenCount);

        await host.StopAsync(Cancellation);
        Assert.Equal(HealthStatus.Unhealthy, (await health.CheckHealthAsync(Cancellation)).Status);
        await Assert.ThrowsAsync<InvalidOperationException>(() => client.GetResponseAsync("Hi", cancellationToken: Cancellation));
    }

    [Fact]
    public async Task TwoKeyedClients_HaveHostsOfTheirOwn()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddKeyedMixKvqChatClient("loaded", Configure);
        builder.Services.AddKeyedMixKvqChatClient("lazy", options => options.ModelPath = _model.Folder).UseFunctionInvocation();
        using IHost host = builder.Build();
        await host.StartAsync(Cancellation);
        await Task.WhenAll(host.Services.GetServices<IHostedService>().OfType<ChatClientHost>().Select(service => service.Loading)).WaitAsync(TimeSpan.FromSeconds(60), Cancellation);

        Assert.Equal(ClientState.Ready, State("loaded"));
        Assert.Equal(ClientState.NotLoaded, State("lazy"));
        await host.StopAsync(Cancellation);
        Assert.Equal((ClientState.Stopping, ClientState.Stopping), (State("loaded"), State("lazy")));

        ClientState State(string key) => host.Services.GetRequiredKeyedService<IChatClient>(key).GetService<MixKvqChatClient>()!.Status.State;
    }

    private void Configure(MixKvqOptions options) => (options.ModelPath, options.LoadAtStart) = (_model.Folder, true);
}
