using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Contract;

/// <summary>The client inside a pipeline of Microsoft.Extensions.AI.</summary>
public sealed class PipelineTests : ChatContract
{
    private protected override async Task<ContractReply> AskAsync(MixKvqChatClient client, ContractRequest request, CancellationToken cancellationToken) =>
        ContractReply.Of(await Build(client).GetResponseAsync(request.Messages, request.ToChatOptions(), cancellationToken));

    private protected override IAsyncEnumerable<ContractReply> StreamAsync(MixKvqChatClient client, ContractRequest request, CancellationToken cancellationToken) =>
        Build(client).GetStreamingResponseAsync(request.Messages, request.ToChatOptions(), cancellationToken).Select(ContractReply.Of);

    private static IChatClient Build(MixKvqChatClient client) =>
        client.AsBuilder().ConfigureOptions(options => options.Seed = 1).UseFunctionInvocation().UseOpenTelemetry().Build();
}
