using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace MixKVQ.AgentConnector.Tests.Contract;

/// <summary>The client alone: the caller invokes what the model calls, and asks again.</summary>
public sealed class DirectClientTests : ChatContract
{
    private protected override async Task<ContractReply> AskAsync(MixKvqChatClient client, ContractRequest request, CancellationToken cancellationToken)
    {
        List<ChatMessage> messages = [.. request.Messages];
        ChatOptions options = request.ToChatOptions();
        while (true)
        {
            ChatResponse response = await client.GetResponseAsync(messages, options, cancellationToken);
            if (await InvokeAsync(response, request, messages, options, cancellationToken))
            {
                return ContractReply.Of(response);
            }
        }
    }

    private protected override async IAsyncEnumerable<ContractReply> StreamAsync(
        MixKvqChatClient client, ContractRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<ChatMessage> messages = [.. request.Messages];
        ChatOptions options = request.ToChatOptions();
        List<ChatResponseUpdate> updates;
        do
        {
            updates = [];
            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(messages, options, cancellationToken))
            {
                updates.Add(update);
                yield return ContractReply.Of(update);
            }
        }
        while (!await InvokeAsync(updates.ToChatResponse(), request, messages, options, cancellationToken));
    }

    /// <summary>Whether there was nothing to invoke; else the messages are those of the next request.</summary>
    private static async Task<bool> InvokeAsync(
        ChatResponse response, ContractRequest request, List<ChatMessage> messages, ChatOptions options, CancellationToken cancellationToken)
    {
        var results = new ChatMessage(ChatRole.Tool, []);
        foreach (FunctionCallContent call in response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>())
        {
            AIFunction function = request.Functions!.Single(function => function.Name == call.Name);
            results.Contents.Add(new FunctionResultContent(call.CallId, await function.InvokeAsync(new(call.Arguments), cancellationToken)));
        }

        options.ConversationId = response.ConversationId;
        options.ToolMode = null;
        if (response.ConversationId is null)
        {
            messages.AddMessages(response);
        }
        else
        {
            messages.Clear();
        }

        messages.Add(results);
        return results.Contents.Count == 0;
    }
}
