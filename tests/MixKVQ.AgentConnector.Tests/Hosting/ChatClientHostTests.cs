using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using MixKVQ.AgentConnector.Conversations;
using MixKVQ.AgentConnector.Hosting;
using MixKVQ.AgentConnector.Tests.Chat;
using MixKVQ.AgentConnector.Tests.Conversations;

namespace MixKVQ.AgentConnector.Tests.Hosting;

public sealed class ChatClientHostTests
{
    private static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Start_LoadsInTheBackgroundAndRunsAFirstStep()
    {
        var model = new ScriptedModel(_ => "Hello.");
        List<int> steps = [];
        model.OnStep = steps.Add;
        var load = new TaskCompletionSource<IChatModel>();
        await using MixKvqChatClient client = Client(load.Task);
        using ChatClientHost host = Host(client, loadAtStart: true);

        await host.StartAsync(Cancellation);
        Assert.False(host.Loading.IsCompleted);
        load.SetResult(model);
        await host.Loading.WaitAsync(HangLimit, Cancellation);

        Assert.Equal(ClientState.Ready, client.Status.State);
        Assert.Equal([8, 1], steps);
        Assert.Equal(0, model.LiveSequences);
        Assert.Equal(0, client.Status.Retained!.Value.Count);
        Assert.Equal("Hello.", (await client.GetResponseAsync("Hi", cancellationToken: Cancellation)).Text);
    }

    [Fact]
    public async Task Start_LoadsNothingUnlessToldTo()
    {
        await using MixKvqChatClient client = Client(Task.FromResult<IChatModel>(new ScriptedModel(_ => "")));
        using ChatClientHost host = Host(client, loadAtStart: false);
        await host.StartAsync(Cancellation);
        await host.Loading.WaitAsync(HangLimit, Cancellation);
        Assert.Equal(ClientState.NotLoaded, client.Status.State);
    }

    [Fact]
    public async Task FailedLoad_IsLoggedAndReportedByTheFirstRequest()
    {
        using var log = new CapturedLog();
        await using MixKvqChatClient client = Client(Task.FromException<IChatModel>(new InvalidDataException("config.json is broken")));
        using var host = new ChatClientHost(() => client, loadAtStart: true, log);
        await host.StartAsync(Cancellation);
        await host.Loading.WaitAsync(HangLimit, Cancellation);

        Assert.Single(log.Lines, "Error: Loading tiny in the background failed; the first request will try again.");
        Assert.Equal(ClientState.Failed, client.Status.State);
        InvalidDataException error = await Assert.ThrowsAsync<InvalidDataException>(() => client.GetResponseAsync("Hi", cancellationToken: Cancellation));
        Assert.Equal("config.json is broken", error.Message);
    }

    [Fact]
    public async Task Stop_RefusesNewTurnsAndLetsOpenOnesFinish()
    {
        await using MixKvqChatClient client = new ScriptedModel(_ => "Hello there.").CreateClient();
        using ChatClientHost host = Host(client, loadAtStart: false);
        await host.StartAsync(Cancellation);
        await using IAsyncEnumerator<ChatResponseUpdate> open = client.GetStreamingResponseAsync("Hi", cancellationToken: Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await open.MoveNextAsync());
        string text = open.Current.Text;

        Task stop = host.StopAsync(Cancellation);
        InvalidOperationException refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => client.GetResponseAsync("And me?", cancellationToken: Cancellation));
        Assert.Contains("shutting down", refusal.Message, StringComparison.Ordinal);
        Assert.Equal((ClientState.Stopping, 1), (client.Status.State, client.Status.RunningTurns));
        Assert.False(stop.IsCompleted);
        while (await open.MoveNextAsync())
        {
            text += open.Current.Text;
        }

        await stop.WaitAsync(HangLimit, Cancellation);
        Assert.Equal("Hello there.", text);
        Assert.Equal(0, client.Status.RunningTurns);
    }

    [Fact]
    public async Task Stop_CancelsOpenTurnsAtTheTimeout_AndLeavesTheirConversationsAsBefore()
    {
        var model = new ScriptedModel(_ => "Hello there.");
        await using MixKvqChatClient client = model.CreateClient(options => options.Stateful = true);
        using ChatClientHost host = Host(client, loadAtStart: false);
        await host.StartAsync(Cancellation);
        ChatResponse before = await client.GetResponseAsync("Hi", cancellationToken: Cancellation);
        var options = new ChatOptions { ConversationId = before.ConversationId };
        long bytes = client.Status.Retained!.Value.CacheBytes;
        await using IAsyncEnumerator<ChatResponseUpdate> open = client.GetStreamingResponseAsync("Again", options, Cancellation).GetAsyncEnumerator(Cancellation);
        Assert.True(await open.MoveNextAsync());

        using var timeout = new CancellationTokenSource();
        Task stop = host.StopAsync(timeout.Token);
        await timeout.CancelAsync();
        await stop.WaitAsync(HangLimit, Cancellation);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (await open.MoveNextAsync())
            {
            }
        });
        Assert.Equal(1, model.LiveSequences);
        Assert.Equal(bytes, client.Status.Retained!.Value.CacheBytes);
    }

    [Fact]
    public async Task Stop_CancelsATurnThatWaitsForTheModel()
    {
        var load = new TaskCompletionSource<IChatModel>();
        await using MixKvqChatClient client = Client(load.Task);
        using ChatClientHost host = Host(client, loadAtStart: true);
        await host.StartAsync(Cancellation);
        Task<ChatResponse> waiting = client.GetResponseAsync("Hi", cancellationToken: Cancellation);

        await host.StopAsync(new CancellationToken(canceled: true));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(HangLimit, Cancellation));
        await host.Loading.WaitAsync(HangLimit, Cancellation);
        load.SetResult(new ScriptedModel(_ => ""));
    }

    [Fact]
    public async Task Stop_OfADisposedClientIsQuiet()
    {
        MixKvqChatClient client = new ScriptedModel(_ => "").CreateClient();
        using ChatClientHost host = Host(client, loadAtStart: false);
        await host.StartAsync(Cancellation);
        await client.DisposeAsync();
        await host.StopAsync(Cancellation);
        await host.StopAsync(new CancellationToken(canceled: true));
    }

    private static ChatClientHost Host(MixKvqChatClient client, bool loadAtStart) => new(() => client, loadAtStart, NullLogger.Instance);

    private static MixKvqChatClient Client(Task<IChatModel> load) => new(new MixKvqOptions { ModelPath = "models/tiny" }, null, () => load, TimeProvider.System);
}
