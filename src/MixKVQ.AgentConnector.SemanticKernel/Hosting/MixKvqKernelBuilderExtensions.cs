using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using MixKVQ.AgentConnector;
using MixKVQ.AgentConnector.SemanticKernel;

namespace Microsoft.SemanticKernel;

/// <summary>Adds MixKVQ services to a kernel.</summary>
public static class MixKvqKernelBuilderExtensions
{
    /// <summary>
    /// Adds a <see cref="MixKvqChatCompletionService"/> as the kernel's chat completion service, and the
    /// <see cref="MixKvqChatClient"/> that it uses as its chat client.
    /// </summary>
    /// <param name="builder">The kernel's builder.</param>
    /// <param name="configure">Sets the options, which are checked when the client is first asked for.</param>
    /// <param name="serviceId">The key to register under; null for none.</param>
    public static IKernelBuilder AddMixKvqChatCompletion(this IKernelBuilder builder, Action<MixKvqOptions> configure, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddMixKvqChatCompletion(configure, serviceId);
        return builder;
    }

    /// <summary><inheritdoc cref="AddMixKvqChatCompletion(IKernelBuilder, Action{MixKvqOptions}, string?)" path="/summary"/></summary>
    /// <param name="builder">The kernel's builder.</param>
    /// <param name="configuration">The section that holds the options by name; a key that is no option is an error.</param>
    /// <param name="serviceId">The key to register under; null for none.</param>
    public static IKernelBuilder AddMixKvqChatCompletion(this IKernelBuilder builder, IConfiguration configuration, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddMixKvqChatCompletion(configuration, serviceId);
        return builder;
    }

    /// <summary>
    /// Adds a <see cref="MixKvqChatClient"/> as the kernel's chat client, around which the kernel's functions are
    /// invoked as the settings' function choice says.
    /// </summary>
    /// <param name="builder">The kernel's builder.</param>
    /// <param name="configure">Sets the options, which are checked when the client is first asked for.</param>
    /// <param name="serviceId">The key to register under; null for none.</param>
    public static IKernelBuilder AddMixKvqChatClient(this IKernelBuilder builder, Action<MixKvqOptions> configure, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        (serviceId is null ? builder.Services.AddMixKvqChatClient(configure) : builder.Services.AddKeyedMixKvqChatClient(serviceId, configure))
            .UseKernelFunctionInvocation();
        return builder;
    }

    /// <summary><inheritdoc cref="AddMixKvqChatClient(IKernelBuilder, Action{MixKvqOptions}, string?)" path="/summary"/></summary>
    /// <param name="builder">The kernel's builder.</param>
    /// <param name="configuration">The section that holds the options by name; a key that is no option is an error.</param>
    /// <param name="serviceId">The key to register under; null for none.</param>
    public static IKernelBuilder AddMixKvqChatClient(this IKernelBuilder builder, IConfiguration configuration, string? serviceId = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        (serviceId is null ? builder.Services.AddMixKvqChatClient(configuration) : builder.Services.AddKeyedMixKvqChatClient(serviceId, configuration))
            .UseKernelFunctionInvocation();
        return builder;
    }
}
