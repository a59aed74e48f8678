using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MixKVQ.AgentConnector.Hosting;

/// <summary>
/// Ties a client to its host: loads the model in the background when the host starts, where that is wanted, and lets open turns finish
/// when it stops, until the host's shutdown timeout.
/// </summary>
/// <param name="client">Gives the client; first called when the host starts.</param>
/// <param name="loadAtStart">Whether the model is loaded when the host starts.</param>
/// <param name="logger">Where a failed load is logged.</param>
internal sealed class ChatClientHost(Func<MixKvqChatClient> client, bool loadAtStart, ILogger logger) : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private MixKvqChatClient? _client;

    /// <summary>Ends with the background load, whether or not it succeeds.</summary>
    internal Task Loading { get; private set; } = Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        MixKvqChatClient started = _client = client();
        if (loadAtStart)
        {
            Loading = Task.Run(() => WarmUpAsync(started), CancellationToken.None);
        }

        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_client is { } started)
        {
            await started.StopAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stopping.Dispose();

    private async Task WarmUpAsync(MixKvqChatClient started)
    {
        CancellationToken stopping = _stopping.Token;
        try
        {
            await started.WarmUpAsync(stopping).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The host stops before the model was needed.
        }
        catch (Exception exception)
        {
            // The first request tries again and tells its caller.
            HostingLog.LoadFailed(logger, started.Status.ModelName, exception);
        }
    }
}
