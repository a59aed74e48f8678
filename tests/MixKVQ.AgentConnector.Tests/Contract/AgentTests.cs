using System.Runtime.CompilerServices;
using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Contract;

/// <summary>An agent of the Agent Framework, with a session for each request.</summary>
public sealed class AgentTests : ChatContract
{
    private protected override async Task<ContractReply> AskAsync(MixKvqChatClient client, ContractRequest request, CancellationToken cancellationToken)
    {
        (ChatClientAgent agent, ChatClientAgentSession session) = await BeginAsync(client, request, cancellationToken);
        AgentResponse response = await agent.RunAsync(request.Messages, session, RunOptions(request), cancellationToken);
        return ContractReply.Of(response.AsChatResponse()) with { ConversationId = session.ConversationId };
    }

    private protected override async IAsyncEnumerable<ContractReply> StreamAsync(
        MixKvqChatClient client, ContractRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        (ChatClientAgent agent, ChatClientAgentSession session) = await BeginAsync(client, request, cancellationToken);
        await foreach (AgentResponseUpdate update in agent.RunStreamingAsync(request.Messages, session, RunOptions(request), cancellationToken))
        {
            yield return ContractReply.Of(update.AsChatResponseUpdate());
        }

        yield return new ContractReply(ConversationId: session.ConversationId);
    }

    private static async Task<(ChatClientAgent Agent, ChatClientAgentSession Session)> BeginAsync(
        MixKvqChatClient client, ContractRequest request, CancellationToken cancellationToken)
    {
        var agent = new ChatClientAgent(client);
        AgentSession session = request.ConversationId is { } id
            ? await agent.CreateSessionAsync(id, cancellationToken)
            : await agent.CreateSessionAsync(cancellationToken);
        return (agent, (ChatClientAgentSession)session);
    }

    private static ChatClientAgentRunOptions RunOptions(ContractRequest request) => new((request with { ConversationId = null }).ToChatOptions());
}
