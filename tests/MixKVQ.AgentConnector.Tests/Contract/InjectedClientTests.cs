using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MixKVQ.AgentConnector.Tests.Contract;

/// <summary>The client that is registered under a key, with its middleware.</summary>
public sealed class InjectedClientTests : ChatContract
{
    private protected override async Task<ContractReply> AskAsync(MixKvqChatClient client, ContractRequest request, CancellationToken cancellationToken) =>
        ContractReply.Of(await Resolve(client).GetResponseAsync(request.Messages, request.ToChatOptions(), cancellationToken));

    private protected override IAsyncEnumerable<ContractReply> StreamAsync(MixKvqChatClient client, ContractRequest request, CancellationToken cancellationToken) =>
        Resolve(client).GetStreamingResponseAsync(request.Messages, request.ToChatOptions(), cancellationToken).Select(ContractReply.Of);

    /// <summary>The registered client, with <paramref name="client"/> in the place of one with a model folder.</summary>
    private static IChatClient Resolve(MixKvqChatClient client)
    {
        var services = new ServiceCollection();
        services.AddKeyedMixKvqChatClient("planner", _ => { }).UseFunctionInvocation().UseLogging();
        services.AddKeyedSingleton("planner", client);
        services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance);
        return services.BuildServiceProvider().GetRequiredKeyedService<IChatClient>("planner");
    }
}
