using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using MixKVQ.AgentConnector;
using MixKVQ.AgentConnector.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers <see cref="MixKvqChatClient"/>.</summary>
public static class MixKvqServiceCollectionExtensions
{
    /// <summary>
    /// Registers a <see cref="MixKvqChatClient"/> as singleton <see cref="IChatClient"/>. The options are checked when
    /// the host starts, or when the client is first asked for. A host that stops lets open streams finish until its
    /// shutdown timeout and refuses new requests.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Sets the options.</param>
    /// <returns>A builder to add middleware to, such as <c>UseFunctionInvocation()</c>.</returns>
    public static ChatClientBuilder AddMixKvqChatClient(this IServiceCollection services, Action<MixKvqOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return AddClient(services, serviceId: null, options => options.Configure(configure));
    }

    /// <summary>
    /// Registers a <see cref="MixKvqChatClient"/> as singleton <see cref="IChatClient"/> with options from
    /// configuration. A key that is no option is an error. The options are checked when the host starts, or when the
    /// client is first asked for.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configuration">The section that holds the options by name.</param>
    /// <returns>A builder to add middleware to, such as <c>UseFunctionInvocation()</c>.</returns>
    public static ChatClientBuilder AddMixKvqChatClient(this IServiceCollection services, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return AddClient(services, serviceId: null, options => Bind(options, configuration));
    }

    /// <summary><inheritdoc cref="AddMixKvqChatClient(IServiceCollection, Action{MixKvqOptions})" path="/summary"/></summary>
    /// <param name="services">The services.</param>
    /// <param name="serviceId">The key to register under.</param>
    /// <param name="configure">Sets the options.</param>
    /// <returns>A builder to add middleware to, such as <c>UseFunctionInvocation()</c>.</returns>
    public static ChatClientBuilder AddKeyedMixKvqChatClient(this IServiceCollection services, string serviceId, Action<MixKvqOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(serviceId);
        ArgumentNullException.ThrowIfNull(configure);
        return AddClient(services, serviceId, options => options.Configure(configure));
    }

    /// <summary><inheritdoc cref="AddMixKvqChatClient(IServiceCollection, IConfiguration)" path="/summary"/></summary>
    /// <param name="services">The services.</param>
    /// <param name="serviceId">The key to register under.</param>
    /// <param name="configuration">The section that holds the options by name.</param>
    /// <returns>A builder to add middleware to, such as <c>UseFunctionInvocation()</c>.</returns>
    public static ChatClientBuilder AddKeyedMixKvqChatClient(this IServiceCollection services, string serviceId, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(serviceId);
        ArgumentNullException.ThrowIfNull(configuration);
        return AddClient(services, serviceId, options => Bind(options, configuration));
    }

    private static void Bind(OptionsBuilder<MixKvqOptions> options, IConfiguration configuration) =>
        options.Bind(configuration, binder => binder.ErrorOnUnknownConfiguration = true);

    private static ChatClientBuilder AddClient(IServiceCollection services, string? serviceId, Action<OptionsBuilder<MixKvqOptions>> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        string name = serviceId ?? Options.Options.DefaultName;
        OptionsBuilder<MixKvqOptions> options = services.AddOptions<MixKvqOptions>(name);
        configure(options);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MixKvqOptions>, MixKvqOptionsValidator>());
        options.ValidateOnStart();

        // Registered by itself too: the host and the health check want this client, whatever is wrapped around it or registered after it.
        services.AddKeyedSingleton(name, (provider, _) => new MixKvqChatClient(
            provider.GetRequiredService<IOptionsMonitor<MixKvqOptions>>().Get(name),
            provider.GetService<ILoggerFactory>(),
            provider.GetService<IMeterFactory>()));
        services.AddSingleton<IHostedService>(provider => new ChatClientHost(
            () => Find(provider),
            provider.GetRequiredService<IOptionsMonitor<MixKvqOptions>>().Get(name).LoadAtStart,
            provider.GetService<ILoggerFactory>()?.CreateLogger<MixKvqChatClient>() ?? NullLogger<MixKvqChatClient>.Instance));
        return serviceId is null ? services.AddChatClient(Find) : services.AddKeyedChatClient(serviceId, Find);

        MixKvqChatClient Find(IServiceProvider provider) => provider.GetRequiredKeyedService<MixKvqChatClient>(name);
    }
}
