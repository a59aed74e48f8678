using Microsoft.Extensions.AI;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using MixKVQ.AgentConnector;
using MixKVQ.AgentConnector.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds a health check of a <see cref="MixKvqChatClient"/>.</summary>
public static class MixKvqHealthChecksBuilderExtensions
{
    /// <summary>
    /// Adds a health check of a registered <see cref="MixKvqChatClient"/>: healthy when the model is loaded, degraded before and while it is,
    /// <paramref name="failureStatus"/> when the load failed, the host shuts down or the client was disposed. Its data name the model, the
    /// device, the running turns, the retained conversations and, under the names of <see cref="MixKvqMetadata"/>, what their caches hold.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The check's name.</param>
    /// <param name="serviceId">The key that the client was registered under; null for none.</param>
    /// <param name="failureStatus">What to report for a failure; null for <see cref="HealthStatus.Unhealthy"/>.</param>
    /// <param name="tags">Tags to select the check by.</param>
    public static IHealthChecksBuilder AddMixKvqChatClient(
        this IHealthChecksBuilder builder, string name = "mixkvq", string? serviceId = null, HealthStatus? failureStatus = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        return builder.Add(new HealthCheckRegistration(name, provider => new ChatClientHealthCheck(() => Find(provider, serviceId)), failureStatus, tags));
    }

    private static MixKvqChatClient Find(IServiceProvider provider, string? serviceId) =>
        provider.GetKeyedService<MixKvqChatClient>(serviceId ?? Options.Options.DefaultName)
        ?? provider.GetKeyedService<IChatClient>(serviceId)?.GetService<MixKvqChatClient>()
        ?? throw new InvalidOperationException(
            $"There is no {nameof(MixKvqChatClient)} {(serviceId is null ? "without a key" : $"with the key '{serviceId}'")} among the services to check the health of; register one with AddMixKvqChatClient.");
}
