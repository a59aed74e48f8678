using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.SemanticKernel.ChatCompletion;
using MixKVQ.AgentConnector;
using MixKVQ.AgentConnector.SemanticKernel;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers <see cref="MixKvqChatCompletionService"/>.</summary>
public static class MixKvqSemanticKernelServiceCollectionExtensions
{
    /// <summary>
    /// Registers a <see cref="MixKvqChatCompletionService"/> as singleton <see cref="IChatCompletionService"/>, and the
    /// <see cref="MixKvqChatClient"/> that it uses as singleton <see cref="IChatClient"/>.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets the options, which are checked when the host starts or the client is first asked for.</param>
    /// <param name="serviceId">The key to register under; null for none.</param>
    public static IServiceCollection AddMixKvqChatCompletion(this IServiceCollection services, Action<MixKvqOptions> configure, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        _ = serviceId is null ? services.AddMixKvqChatClient(configure) : services.AddKeyedMixKvqChatClient(serviceId, configure);
        return AddService(services, serviceId);
    }

    /// <summary><inheritdoc cref="AddMixKvqChatCompletion(IServiceCollection, Action{MixKvqOptions}, string?)" path="/summary"/></summary>
    /// <param name="services">The services.</param>
    /// <param name="configuration">The section that holds the options by name; a key that is no option is an error.</param>
    /// <param name="serviceId">The key to register under; null for none.</param>
    public static IServiceCollection AddMixKvqChatCompletion(this IServiceCollection services, IConfiguration configuration, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        _ = serviceId is null ? services.AddMixKvqChatClient(configuration) : services.AddKeyedMixKvqChatClient(serviceId, configuration);
        return AddService(services, serviceId);
    }

    private static IServiceCollection AddService(IServiceCollection services, string? serviceId) =>
        services.AddKeyedSingleton<IChatCompletionService>(serviceId, (provider, _) => new MixKvqChatCompletionService(
            provider.GetRequiredKeyedService<IChatClient>(serviceId),
            provider.GetService<ILoggerFactory>()));
}
