using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace MixKVQ.AgentConnector.Tests.Contract;

/// <summary>Semantic Kernel's chat completion service, with a chat history.</summary>
public sealed class ChatCompletionServiceTests : ChatContract
{
    private protected override async Task<ContractReply> AskAsync(MixKvqChatClient client, ContractRequest request, CancellationToken cancellationToken)
    {
        Kernel kernel = request.ToKernel(client);
        var service = kernel.GetRequiredService<IChatCompletionService>();
        return (await service.GetChatMessageContentsAsync(ToHistory(request), request.ToSettings(), kernel, cancellationToken))[0].ToReply();
    }

    private protected override IAsyncEnumerable<ContractReply> StreamAsync(MixKvqChatClient client, ContractRequest request, CancellationToken cancellationToken)
    {
        Kernel kernel = request.ToKernel(client);
        var service = kernel.GetRequiredService<IChatCompletionService>();
        return service.GetStreamingChatMessageContentsAsync(ToHistory(request), request.ToSettings(), kernel, cancellationToken).Select(part => part.ToReply());
    }

    private static ChatHistory ToHistory(ContractRequest request) => [.. request.Messages.Select(message => new ChatMessageContent(
        new AuthorRole(message.Role.Value),
        [.. message.Contents.Select(content => content is TextReasoningContent thought ? (KernelContent)new ReasoningContent(thought.Text) : new Microsoft.SemanticKernel.TextContent(content.ToString()))]))];
}
