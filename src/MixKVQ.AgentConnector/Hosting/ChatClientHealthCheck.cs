using Microsoft.Extensions.Diagnostics.HealthChecks;
using MixKVQ.AgentConnector.Conversations;

namespace MixKVQ.AgentConnector.Hosting;

/// <summary>Says how a client stands. Costs nothing: it neither loads the model nor runs it.</summary>
/// <param name="client">Gives the client.</param>
internal sealed class ChatClientHealthCheck(Func<MixKvqChatClient> client) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        ClientStatus status = client().Status;
        (HealthStatus health, string description) = status.State switch
        {
            ClientState.Ready => (HealthStatus.Healthy, "The model is loaded."),
            ClientState.NotLoaded => (HealthStatus.Degraded, "The model is not loaded yet: the first request loads it."),
            ClientState.Loading => (HealthStatus.Degraded, "The model is being loaded."),
            ClientState.Failed => (context.Registration.FailureStatus, $"The model could not be loaded: {status.Failure?.Message}"),
            ClientState.Stopping => (context.Registration.FailureStatus, "The host is shutting down: new requests are refused."),
            _ => (context.Registration.FailureStatus, "The client was disposed."),
        };
        return Task.FromResult(new HealthCheckResult(health, description, status.Failure, Data(status)));
    }

    private static Dictionary<string, object> Data(ClientStatus status)
    {
        var data = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["model"] = status.ModelName,
            ["device"] = status.Device,
            ["running_turns"] = status.RunningTurns,
        };
        if (status.Retained is ConversationTotals retained)
        {
            data["conversations"] = retained.Count;
            data[MixKvqMetadata.CacheBytes] = retained.CacheBytes;
            data[MixKvqMetadata.CacheFullPrecisionBytes] = retained.FullPrecisionBytes;
            data[MixKvqMetadata.CacheBitsPerElement] = retained.BitsPerElement;
        }

        return data;
    }
}
